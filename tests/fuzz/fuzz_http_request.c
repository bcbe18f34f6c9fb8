/* Whole API requests with a valid signature and any body: of each form, signature and action. Each
 * must get one answer, 200 with the envelope. The first byte chooses the form, the second the
 * action and whether an idempotency key comes before the body, up to a line feed. */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/pairs.h"
#include "api/tc3.h"
#include "api/v1.h"
#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID   "AKIDexample0000000000000000000000001"
#define KEY  "example-secret-key-0001"
#define HOST "trtc.example.test"
#define WHEN 1735707617u
#define COMMON                                                                                     \
    "&Version=2019-07-22&Region=ap-singapore&Timestamp=1735707617&Nonce=4711&SecretId=" ID

static void op_create(void *ctx, struct create_params *params, struct api_call *call)
{
    (void)ctx;
    create_params_free(params);
    api_call_succeed(call, NULL);
}

static void op_modify(void *ctx, struct modify_params *params, struct api_call *call)
{
    (void)ctx;
    modify_params_free(params);
    api_call_succeed(call, NULL);
}

static void op_task(void *ctx, uint32_t app, const char *task_id, struct api_call *call)
{
    (void)ctx;
    (void)app;
    api_call_fail(call, API_RESOURCE_NOT_FOUND, "%s", task_id);
}

static bool op_app_known(void *ctx, uint32_t app)
{
    (void)ctx;
    return app != 1;
}

static const char *op_secret_key(void *ctx, const char *id)
{
    (void)ctx;
    return strcmp(id, ID) == 0 ? KEY : NULL;
}

static bool op_may(void *ctx, const char *id, const char *action, uint32_t app)
{
    (void)ctx;
    (void)id;
    (void)action;
    return app != 2;
}

static usec_t op_now(void *ctx)
{
    (void)ctx;
    return SEC;
}

static const struct api_ops ops = { .create = op_create,
                                    .describe = op_task,
                                    .modify = op_modify,
                                    .delete = op_task,
                                    .app_known = op_app_known,
                                    .secret_key = op_secret_key,
                                    .may = op_may,
                                    .now = op_now };

static void reply(void *ctx, struct http_answer *answer)
{
    int *replies = ctx;
    json_error_t error;
    json_t *json = json_loads(buf_str(&answer->body), 0, &error);
    const json_t *response = json_object_get(json, "Response");
    const json_t *code = json_object_get(json_object_get(response, "Error"), "Code");
    const char *text = code ? json_string_value(code) : "";
    if (answer->status != 200 || !json_object_get(response, "RequestId") || !text)
        abort();
    /* The signature was good, whatever was signed. */
    if (strncmp(text, "AuthFailure.S", 13) == 0)
        abort();
    json_decref(json);
    http_answer_fini(answer);
    ++*replies;
}

static struct api *make_api(bool lenient)
{
    static const char *const regions[] = { "ap-singapore" };
    const struct api_settings settings = { regions, 1, { 0 }, 0, lenient, false };
    return api_new(&settings, &ops, NULL);
}

static void handle(const struct http_request *request, bool lenient)
{
    static struct api *apis[2];
    int replies = 0;
    if (!apis[lenient]) {
        log_setup(LOG_ERROR, false);
        apis[lenient] = make_api(lenient);
    }
    api_handle(apis[lenient], request, (usec_t)WHEN * SEC, (struct api_reply){ reply, &replies });
    if (replies != 1)
        abort();
}

/* The header; its name is NULL when there is none. */
static struct http_header idempotency_header(const char *key)
{
    return (struct http_header){ *key ? API_IDEMPOTENCY_HEADER : NULL, key };
}

static void send_tc3(const char *method, const char *type, const char *action, struct bytes data,
                     const char *key, bool lenient)
{
    bool get = strcmp(method, "GET") == 0;
    struct bytes query = get ? data : bytes_str(""), body = get ? bytes_str("") : data;
    struct tc3_signing signing = { ID, KEY, "trtc", method, HOST, type, query, body, WHEN, false };
    struct buf authorization;
    buf_init(&authorization, 1024);
    if (tc3_sign(&signing, &authorization))
        abort();
    const struct http_header headers[] = { { "Host", HOST },
                                           { "Content-Type", type },
                                           { "X-TC-Action", action },
                                           { "X-TC-Version", "2019-07-22" },
                                           { "X-TC-Region", "ap-singapore" },
                                           { "X-TC-Timestamp", "1735707617" },
                                           { "Authorization", buf_str(&authorization) },
                                           idempotency_header(key) };
    const struct http_request request = { .method = method,
                                          .path = bytes_str("/"),
                                          .query = query,
                                          .headers = headers,
                                          .header_count = 7 + (*key != 0),
                                          .body = body };
    handle(&request, lenient);
    buf_fini(&authorization);
}

/* Nothing when the data are no parameters, or bring a Signature or SecretId of their own. */
static void sign_v1(const char *method, const struct buf *text, enum v1_algorithm algorithm,
                    struct buf *out)
{
    struct pairs pairs;
    struct buf signature;
    buf_init(&signature, 64);
    if (pairs_read(&pairs, buf_bytes(text)))
        return;
    bool ours = strcmp(pairs_find(&pairs, "SecretId"), ID) == 0 &&
                strcmp(pairs_find(&pairs, "Timestamp"), "1735707617") == 0 &&
                !pairs_find(&pairs, "Signature");
    if (ours && v1_sign(method, HOST, &pairs, algorithm, KEY, &signature) == OK) {
        buf_put_bytes(out, buf_bytes(text));
        buf_put_str(out, "&Signature=");
        for (const char *c = buf_str(&signature); *c; c++)
            buf_printf(out, "%%%02X", (unsigned)*c);
    }
    buf_fini(&signature);
    pairs_fini(&pairs);
}

static void send_v1(const char *method, const char *action, struct bytes data,
                    enum v1_algorithm algorithm, const char *key, bool lenient)
{
    const struct http_header headers[] = { { "Host", HOST },
                                           { "Content-Type", "application/x-www-form-urlencoded" },
                                           idempotency_header(key) };
    bool get = strcmp(method, "GET") == 0;
    struct buf text, signed_text;
    buf_init(&text, 1 << 20);
    buf_init(&signed_text, 1 << 20);
    buf_printf(&text, "Action=%s" COMMON "%s&", action,
               algorithm == V1_SHA256 ? "&SignatureMethod=HmacSHA256"
                                      : "&SignatureMethod=HmacSHA1");
    buf_put_bytes(&text, data);
    sign_v1(method, &text, algorithm, &signed_text);
    const struct http_request request = { .method = method,
                                          .path = bytes_str("/"),
                                          .query = get ? buf_bytes(&signed_text) : bytes_str(""),
                                          .headers = headers,
                                          .header_count = 2 + (*key != 0),
                                          .body = get ? bytes_str("") : buf_bytes(&signed_text) };
    if (signed_text.len && signed_text.len < (30 << 10))
        handle(&request, lenient);
    buf_fini(&signed_text);
    buf_fini(&text);
}

/* What a server could have taken from a header: no NUL. */
static void take_key(char *out, size_t size, struct bytes *body)
{
    struct bytes rest, line = str_split(*body, '\n', &rest);
    if (memchr(line.ptr, 0, line.len) || !str_copy(out, size, line))
        *out = 0;
    *body = rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const actions[] = { "CreateCloudRecording", "DescribeCloudRecording",
                                           "ModifyCloudRecording", "DeleteCloudRecording" };
    if (size < 2 || size > (1 << 16))
        return 0;
    const char *action = actions[data[1] % 4];
    bool lenient = data[1] & 4;
    struct bytes body = bytes_of(data + 2, size - 2);
    char key[300] = "";
    if (data[1] & 8)
        take_key(key, sizeof key, &body);
    switch (data[0] % 7) {
    case 0: send_tc3("POST", "application/json", action, body, key, lenient); break;
    case 1: send_tc3("GET", "application/x-www-form-urlencoded", action, body, key, lenient); break;
    case 2: send_tc3("POST", "multipart/form-data; boundary=b", action, body, key, lenient); break;
    case 3: send_v1("POST", action, body, V1_SHA256, key, lenient); break;
    case 4: send_v1("POST", action, body, V1_SHA1, key, lenient); break;
    case 5: send_v1("GET", action, body, V1_SHA256, key, lenient); break;
    default: send_v1("GET", action, body, V1_SHA1, key, lenient); break;
    }
    return 0;
}
