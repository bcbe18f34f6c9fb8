#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/tc3.h"

#define ID   "AKIDexample0000000000000000000000001"
#define KEY  "example-secret-key-0001"
#define HOST "trtc.example.test"
#define WHEN 1735707617u

#define CREATE                                                                                     \
    "{\"SdkAppId\":1400000001,\"RoomId\":\"4711\",\"UserId\":\"r\",\"UserSig\":\"s\","             \
    "\"RecordParams\":{\"RecordMode\":1},\"StorageParams\":{\"CloudStorage\":{\"Vendor\":1,"       \
    "\"Region\":\"r\",\"Bucket\":\"b\",\"AccessKey\":\"AK\",\"SecretKey\":\"SK\"}}}"
#define TASK "{\"SdkAppId\":1400000001,\"TaskId\":\"task-1\"}"

/* A task layer that keeps the last call, and the last answer as text. */
struct world {
    struct api *api;
    struct api_call *call;
    char op[16], task[64];
    struct create_params *params;
    struct modify_params *modify;
    bool only_describe; /* what its key may do */
    usec_t now;
    int replies;
    int status;
    char type[64], trace[80], body[4096];
};

static void op_create(void *ctx, struct create_params *params, struct api_call *call)
{
    struct world *w = ctx;
    strcpy(w->op, "create");
    w->params = params;
    w->call = call;
}

static void keep(struct world *w, const char *op, uint32_t app, const char *task,
                 struct api_call *call)
{
    assert_int_equal(app, 1400000001);
    strcpy(w->op, op);
    snprintf(w->task, sizeof w->task, "%s", task);
    w->call = call;
}

static void op_describe(void *ctx, uint32_t app, const char *task, struct api_call *call)
{
    keep(ctx, "describe", app, task, call);
}

static void op_modify(void *ctx, struct modify_params *params, struct api_call *call)
{
    struct world *w = ctx;
    strcpy(w->op, "modify");
    w->modify = params;
    w->call = call;
}

static void op_delete(void *ctx, uint32_t app, const char *task, struct api_call *call)
{
    keep(ctx, "delete", app, task, call);
}

static bool op_app_known(void *ctx, uint32_t app)
{
    (void)ctx;
    return app == 1400000001;
}

static const char *op_secret_key(void *ctx, const char *id)
{
    (void)ctx;
    return strcmp(id, ID) == 0 ? KEY : NULL;
}

static usec_t op_now(void *ctx)
{
    return ((struct world *)ctx)->now;
}

/* Application 1400000009 belongs to somebody else. */
static bool op_may(void *ctx, const char *id, const char *action, uint32_t app)
{
    const struct world *w = ctx;
    assert_string_equal(id, ID);
    return app != 1400000009 &&
           (!w->only_describe || strcmp(action, "DescribeCloudRecording") == 0);
}

static const struct api_ops ops = { op_create,    op_describe,   op_modify, op_delete,
                                    op_app_known, op_secret_key, op_may,    op_now };

static void reply(void *ctx, struct http_answer *answer)
{
    struct world *w = ctx;
    w->replies++;
    w->status = answer->status;
    assert_in_range(answer->header_count, 1, 2);
    bool traced = answer->header_count == 2;
    if (traced)
        assert_string_equal(answer->headers[1].name, "X-TC-TraceId");
    snprintf(w->trace, sizeof w->trace, "%s", traced ? answer->headers[1].value : "");
    assert_string_equal(answer->headers[0].name, "Content-Type");
    snprintf(w->type, sizeof w->type, "%s", answer->headers[0].value);
    snprintf(w->body, sizeof w->body, "%s", buf_str(&answer->body));
    http_answer_fini(answer);
}

static const char *const regions[] = { "ap-singapore", "local" };

static int setup_with(void **state, struct api_settings settings)
{
    struct world *w = calloc(1, sizeof *w);
    settings.regions = regions;
    settings.region_count = 2;
    w->now = 1000 * SEC;
    w->api = api_new(&settings, &ops, w);
    *state = w;
    return w->api ? 0 : -1;
}

static int setup(void **state)
{
    return setup_with(state, (struct api_settings){ .rates.per_action = 20 });
}

static int setup_lenient(void **state)
{
    return setup_with(state, (struct api_settings){ .lenient = true });
}

static int setup_limits(void **state)
{
    return setup_with(state, (struct api_settings){
                                 .rates = { .per_key = 3, .per_region = 5, .per_address = 7 } });
}

static int teardown(void **state)
{
    struct world *w = *state;
    api_free(w->api);
    free(w);
    return 0;
}

/* What a request differs in from a good one. NULL: as the good one has it; "": absent. */
struct request {
    const char *method, *action, *version, *region, *timestamp, *type, *authorization, *language;
    const char *token, *body, *idempotency, *trace;
    uint64_t signed_at;
    bool too_large;
};

static const char *pick(const char *given, const char *usual)
{
    return given ? given : usual;
}

static void put(struct http_request *r, struct http_header *headers, const char *name,
                const char *value)
{
    if (*value)
        headers[r->header_count++] = (struct http_header){ name, value };
}

static void send_request(struct world *w, const struct request *in)
{
    struct http_header headers[16];
    struct buf authorization;
    char timestamp[32];
    uint64_t at = in->signed_at ? in->signed_at : WHEN;
    const char *type = pick(in->type, "application/json");
    struct http_request r = { .method = pick(in->method, "POST"),
                              .path = bytes_str("/"),
                              .headers = headers,
                              .body = bytes_str(pick(in->body, TASK)),
                              .too_large = in->too_large };
    snprintf(timestamp, sizeof timestamp, "%llu", (unsigned long long)at);
    struct tc3_signing signing = {
        ID, KEY, "trtc", r.method, HOST, type, r.query, r.body, at, false
    };
    buf_init(&authorization, 1024);
    assert_int_equal(tc3_sign(&signing, &authorization), 0);
    put(&r, headers, "Host", HOST);
    put(&r, headers, "Content-Type", type);
    put(&r, headers, "X-TC-Action", pick(in->action, "DescribeCloudRecording"));
    put(&r, headers, "X-TC-Version", pick(in->version, "2019-07-22"));
    put(&r, headers, "X-TC-Region", pick(in->region, "ap-singapore"));
    put(&r, headers, "X-TC-Timestamp", pick(in->timestamp, timestamp));
    put(&r, headers, "X-TC-Language", pick(in->language, ""));
    put(&r, headers, "X-TC-Token", pick(in->token, ""));
    put(&r, headers, "x-reeltime-idempotency-key", pick(in->idempotency, ""));
    put(&r, headers, "x-tc-traceid", pick(in->trace, ""));
    put(&r, headers, "Authorization", pick(in->authorization, buf_str(&authorization)));
    w->replies = 0;
    w->call = NULL;
    api_handle(w->api, &r, (usec_t)WHEN * SEC, (struct api_reply){ reply, w });
    buf_fini(&authorization);
}

static const char *code_of(struct world *w, char out[128])
{
    json_t *json = json_loads(w->body, 0, NULL);
    assert_non_null(json);
    json_t *response = json_object_get(json, "Response");
    const char *id = json_string_value(json_object_get(response, "RequestId"));
    assert_non_null(id);
    assert_int_equal(strlen(id), 36);
    json_t *error = json_object_get(response, "Error");
    const char *code = error ? json_string_value(json_object_get(error, "Code")) : "";
    snprintf(out, 128, "%s", code);
    json_decref(json);
    return out;
}

static void checks_in_order(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *what;
        struct request request;
        const char *code, *text;
    } rows[] = {
        { "method", { .method = "PUT", .type = "" }, "UnsupportedProtocol", "" },
        { "size", { .too_large = true, .type = "" }, "RequestSizeLimitExceeded", "" },
        { "form with the header's signature",
          { .type = "application/x-www-form-urlencoded" },
          "AuthFailure.InvalidAuthorization",
          "HmacSHA1" },
        { "multipart without parts",
          { .type = "multipart/form-data; boundary=x" },
          "InvalidRequest",
          "boundary" },
        { "text", { .type = "text/plain" }, "UnsupportedOperation", "`text/plain`" },
        { "no type", { .type = "" }, "UnsupportedOperation", "" },
        { "no action", { .action = "" }, "MissingParameter", "`Action`" },
        { "no version", { .version = "" }, "MissingParameter", "`Version`" },
        { "no region", { .region = "" }, "MissingParameter", "`Region`" },
        { "no timestamp", { .timestamp = "" }, "MissingParameter", "`Timestamp`" },
        { "no authorization", { .authorization = "" }, "MissingParameter", "`Authorization`" },
        { "missing before malformed",
          { .authorization = "SKIP", .region = "" },
          "MissingParameter",
          "`Region`" },
        { "SKIP", { .authorization = "SKIP" }, "AuthFailure.InvalidAuthorization", "" },
        { "unknown id",
          { .authorization = "TC3-HMAC-SHA256 Credential=AKIDother/2025-01-01/trtc/tc3_request, "
                             "SignedHeaders=content-type;host, Signature="
                             "0000000000000000000000000000000000000000000000000000000000000000" },
          "AuthFailure.SecretIdNotFound",
          "" },
        { "timestamp no number", { .timestamp = "now" }, "InvalidParameter", "`Timestamp`" },
        { "too old", { .signed_at = WHEN - 301 }, "AuthFailure.SignatureExpire", "300 s" },
        { "too new", { .signed_at = WHEN + 301 }, "AuthFailure.SignatureExpire", "" },
        { "another second", { .timestamp = "1735707618" }, "AuthFailure.SignatureFailure", "" },
        { "token", { .token = "t" }, "AuthFailure.TokenFailure", "" },
        { "authentication before version",
          { .version = "x", .timestamp = "1735707618" },
          "AuthFailure.SignatureFailure",
          "" },
        { "version", { .version = "2020-01-01", .action = "X" }, "NoSuchVersion", "2020-01-01" },
        { "action",
          { .action = "StartMCUMixTranscode", .region = "x" },
          "InvalidAction",
          "`StartMCUMixTranscode`" },
        { "region known",
          { .region = "eu-frankfurt", .body = "{" },
          "UnsupportedRegion",
          "`eu-frankfurt`" },
        { "region variant", { .region = "ap-shanghai-fsi" }, "UnsupportedRegion", "" },
        { "region unknown",
          { .region = "mars", .body = "{" },
          "InvalidParameterValue",
          "`X-TC-Region` is `mars`" },
        { "not JSON", { .body = "{" }, "InvalidParameter", "line 1" },
        { "JSON twice",
          { .body = "{\"TaskId\":\"a\",\"TaskId\":\"b\"}" },
          "InvalidParameter",
          "twice" },
        { "unknown member",
          { .body = "{\"SdkAppId\":1,\"Task\":\"x\"}" },
          "UnknownParameter",
          "`Task`" },
        { "wrong type", { .body = "{\"SdkAppId\":\"1\"}" }, "InvalidParameter", "`SdkAppId`" },
        { "no task", { .body = "{\"SdkAppId\":1}" }, "MissingParameter.TaskId", "`TaskId`" },
        { "no app", { .body = "{\"TaskId\":\"x\"}" }, "MissingParameter.SdkAppId", "" },
        { "app out of range",
          { .body = "{\"SdkAppId\":4294967296,\"TaskId\":\"x\"}" },
          "InvalidParameter.OutOfRange",
          "" },
        { "app unknown",
          { .body = "{\"SdkAppId\":2,\"TaskId\":\"x\"}" },
          "InvalidParameter.SdkAppId",
          "`2`" },
        { "app unknown, delete",
          { .action = "DeleteCloudRecording", .body = "{\"SdkAppId\":2,\"TaskId\":\"x\"}" },
          "InvalidParameter.SdkAppId",
          "" },
        { "RecorderKey is for Describe only",
          { .action = "DeleteCloudRecording", .body = "{\"SdkAppId\":2,\"RecorderKey\":\"x\"}" },
          "UnknownParameter",
          "" },
        { "create",
          { .action = "CreateCloudRecording", .body = "{}" },
          "MissingParameter.SdkAppId",
          "" },
        { "no region, as a client without one says it",
          { .region = "null" },
          "MissingParameter",
          "`Region`" },
        { "modify, app unknown",
          { .action = "ModifyCloudRecording", .body = "{\"SdkAppId\":2,\"TaskId\":\"x\"}" },
          "ResourceNotFound",
          "`2`" },
        { "modify, both lists",
          { .action = "ModifyCloudRecording",
            .body = "{\"SdkAppId\":1400000001,\"TaskId\":\"x\",\"SubscribeStreamUserIds\":{"
                    "\"SubscribeAudioUserIds\":[\"a\"],\"UnSubscribeAudioUserIds\":[\"b\"]}}" },
          "InvalidParameter.OutOfRange",
          "exclude" },
        { "modify, layout",
          { .action = "ModifyCloudRecording",
            .body = "{\"SdkAppId\":1400000001,\"TaskId\":\"x\",\"MixLayoutParams\":{"
                    "\"MixLayoutMode\":5}}" },
          "InvalidParameter.OutOfRange",
          "`MixLayoutParams.MixLayoutMode`" },
        { "another's application",
          { .body = "{\"SdkAppId\":1400000009,\"TaskId\":\"x\"}" },
          "AuthFailure.UnauthorizedOperation",
          "`1400000009`" },
        { "idempotency key with a blank",
          { .idempotency = "a b" },
          "InvalidParameterValue",
          "X-Reeltime-Idempotency-Key" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char code[128];
        w->now += SEC;
        send_request(w, &rows[i].request);
        assert_int_equal(w->replies, 1);
        assert_int_equal(w->status, 200);
        assert_string_equal(w->type, "application/json");
        if (strcmp(code_of(w, code), rows[i].code) != 0 || !strstr(w->body, rows[i].text))
            fail_msg("%s: %s", rows[i].what, w->body);
    }
}

static void window_edges_are_inside(void **state)
{
    struct world *w = *state;
    for (int i = -1; i <= 1; i += 2) {
        send_request(w, &(struct request){ .signed_at = (uint64_t)((int64_t)WHEN + i * 300) });
        assert_non_null(w->call);
        api_call_succeed(w->call, NULL);
    }
}

static void answered_later(void **state)
{
    struct world *w = *state;
    char id[37];
    send_request(w, &(struct request){ .action = "CreateCloudRecording", .body = CREATE });
    assert_string_equal(w->op, "create");
    assert_int_equal(w->replies, 0);
    assert_string_equal(w->params->room_id, "4711");
    assert_int_equal(w->params->record.max_idle_s, 30);
    create_params_free(w->params);
    strcpy(id, api_call_request_id(w->call));
    api_call_succeed(w->call, json_pack("{s:s}", "TaskId", "t-1"));
    assert_int_equal(w->replies, 1);
    char want[128];
    snprintf(want, sizeof want, "{\"Response\":{\"TaskId\":\"t-1\",\"RequestId\":\"%s\"}}", id);
    assert_string_equal(w->body, want);

    send_request(w, &(struct request){ .action = "DeleteCloudRecording" });
    assert_string_equal(w->op, "delete");
    assert_string_equal(w->task, "task-1");
    api_call_fail(w->call, API_RESOURCE_NOT_FOUND, "task `%s`", w->task);
    assert_non_null(strstr(w->body, "{\"Response\":{\"Error\":{\"Code\":\"ResourceNotFound\","
                                    "\"Message\":\"There is no such resource: task `task-1`\"},"
                                    "\"RequestId\":\""));
}

static void modify_is_handed_on(void **state)
{
    struct world *w = *state;
    send_request(w, &(struct request){ .action = "ModifyCloudRecording",
                                       .body = "{\"SdkAppId\":1400000001,\"TaskId\":\"t\","
                                               "\"SubscribeStreamUserIds\":{"
                                               "\"SubscribeVideoUserIds\":[\"alice\"]}}" });
    assert_string_equal(w->op, "modify");
    assert_string_equal(w->modify->task_id, "t");
    assert_null(w->modify->layout);
    assert_int_equal(w->modify->subscribe->video_allow.count, 1);
    assert_int_equal(w->modify->subscribe->audio_allow.count, 0);
    modify_params_free(w->modify);
    api_call_succeed(w->call, NULL);
}

static void idempotency_key_is_kept(void **state)
{
    struct world *w = *state;
    char long_key[API_MAX_IDEMPOTENCY_KEY + 2], code[128];
    memset(long_key, 'k', sizeof long_key);
    long_key[sizeof long_key - 1] = 0;
    send_request(w, &(struct request){ .idempotency = long_key });
    assert_string_equal(code_of(w, code), "InvalidParameterValue");
    long_key[sizeof long_key - 2] = 0;
    send_request(w, &(struct request){ .idempotency = long_key });
    assert_string_equal(api_call_idempotency_key(w->call), long_key);
    api_call_succeed(w->call, NULL);
    send_request(w, &(struct request){ 0 });
    assert_null(api_call_idempotency_key(w->call));
    api_call_succeed(w->call, NULL);
}

static void trace_id_comes_back(void **state)
{
    struct world *w = *state;
    static const char *const rows[][2] = {
        { "0f7c0a52-6f0f-4e0f-9c44-3a1d53b1a001", "0f7c0a52-6f0f-4e0f-9c44-3a1d53b1a001" },
        { "", "" },
        { "a b", "" },
        { "x\r\nSet-Cookie: y", "" },
        { "0123456789012345678901234567890123456789012345678901234567890123",
          "0123456789012345678901234567890123456789012345678901234567890123" },
        { "01234567890123456789012345678901234567890123456789012345678901234", "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        send_request(w, &(struct request){ .trace = rows[i][0] });
        api_call_succeed(w->call, NULL);
        assert_string_equal(w->trace, rows[i][1]);
        send_request(w, &(struct request){ .trace = rows[i][0], .method = "PUT" });
        assert_string_equal(w->trace, rows[i][1]);
    }
}

static void rights_of_a_key(void **state)
{
    struct world *w = *state;
    char code[128];
    w->only_describe = true;
    send_request(w, &(struct request){ .action = "DeleteCloudRecording", .body = "{" });
    assert_string_equal(code_of(w, code), "AuthFailure.UnauthorizedOperation");
    send_request(w, &(struct request){ 0 });
    api_call_succeed(w->call, NULL);
}

static void unknown_is_ignored_when_lenient(void **state)
{
    struct world *w = *state;
    send_request(w,
                 &(struct request){
                     .action = "CreateCloudRecording",
                     .body = "{\"Extra\":1,\"SdkAppId\":1400000001,\"RoomId\":\"4711\","
                             "\"UserId\":\"r\",\"UserSig\":\"s\",\"RecordParams\":{"
                             "\"RecordMode\":1,\"Extra\":{}},\"StorageParams\":{\"CloudStorage\":{"
                             "\"Vendor\":1,\"Region\":\"r\",\"Bucket\":\"b\",\"AccessKey\":\"AK\","
                             "\"SecretKey\":\"SK\",\"Extra\":[1]}},\"Last\":null}" });
    assert_string_equal(w->op, "create");
    assert_string_equal(w->params->storage.cloud_storage->bucket, "b");
    create_params_free(w->params);
    api_call_succeed(w->call, NULL);
}

/* One refused by an outer limit has taken its token of the inner ones. */
static void other_limits(void **state)
{
    struct world *w = *state;
    static const char *const want[] = {
        "",
        "",
        "",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.IPLimitExceeded",
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char code[128];
        send_request(w, &(struct request){ 0 });
        if (w->call)
            api_call_succeed(w->call, NULL);
        assert_string_equal(code_of(w, code), want[i]);
    }
}

static void limit_of_a_region(void **state)
{
    struct world *w = *state;
    char code[128];
    for (int i = 0; i < 6; i++) {
        w->now += SEC / 3; /* the key alone may ask three times a second */
        send_request(w, &(struct request){ 0 });
        assert_non_null(w->call);
        api_call_succeed(w->call, NULL);
    }
    api_free(w->api);
    struct api_settings tight = { regions, 2, { .per_region = 1 } };
    w->api = api_new(&tight, &ops, w);
    send_request(w, &(struct request){ .action = "DeleteCloudRecording" });
    api_call_succeed(w->call, NULL);
    send_request(w, &(struct request){ 0 });
    assert_string_equal(code_of(w, code), "RequestLimitExceeded.GlobalRegionUinLimitExceeded");
    send_request(w, &(struct request){ .region = "local" });
    api_call_succeed(w->call, NULL);
}

static void not_served(void **state)
{
    struct world *w = *state;
    char code[128];
    const char *mixed =
        "{\"SdkAppId\":1400000001,\"RoomId\":\"1\",\"UserId\":\"r\",\"UserSig\":\"s\","
        "\"RecordParams\":{\"RecordMode\":2},\"StorageParams\":{\"CloudVod\":"
        "{\"TencentVod\":{}}}}";
    send_request(w, &(struct request){ .action = "CreateCloudRecording", .body = mixed });
    assert_string_equal(code_of(w, code), "FailedOperation.CRUnsupportMethod");
    assert_int_equal(w->replies, 1);
}

static void languages(void **state)
{
    struct world *w = *state;
    send_request(w, &(struct request){ .action = "X", .language = "zh-CN" });
    assert_non_null(strstr(w->body, "接口不存在: `X`"));
    send_request(w, &(struct request){ .action = "X", .language = "en-US" });
    assert_non_null(strstr(w->body, "There is no such action: `X`"));
    assert_string_equal(api_sentence("MissingParameter.Bucket", API_ENGLISH),
                        "A parameter is missing");
    assert_string_equal(api_sentence("Nonsense", API_ENGLISH), "The operation failed");
    assert_string_equal(api_missing_code("Bucket"), "MissingParameter.Bucket");
    assert_string_equal(api_missing_code("Fps"), "MissingParameter");
}

static void too_many_requests(void **state)
{
    struct world *w = *state;
    char code[128];
    for (int i = 0; i < 20; i++) {
        send_request(w, &(struct request){ 0 });
        assert_non_null(w->call);
        api_call_succeed(w->call, NULL);
    }
    send_request(w, &(struct request){ 0 });
    assert_string_equal(code_of(w, code), "RequestLimitExceeded");
    send_request(w, &(struct request){ .action = "DeleteCloudRecording" });
    assert_non_null(w->call); /* each action has its own */
    api_call_succeed(w->call, NULL);
    w->now += SEC;
    send_request(w, &(struct request){ 0 });
    assert_non_null(w->call);
    api_call_succeed(w->call, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(checks_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(window_edges_are_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(answered_later, setup, teardown),
        cmocka_unit_test_setup_teardown(modify_is_handed_on, setup, teardown),
        cmocka_unit_test_setup_teardown(idempotency_key_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(trace_id_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(rights_of_a_key, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_is_ignored_when_lenient, setup_lenient, teardown),
        cmocka_unit_test_setup_teardown(other_limits, setup_limits, teardown),
        cmocka_unit_test_setup_teardown(limit_of_a_region, setup_limits, teardown),
        cmocka_unit_test_setup_teardown(not_served, setup, teardown),
        cmocka_unit_test_setup_teardown(languages, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_requests, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
