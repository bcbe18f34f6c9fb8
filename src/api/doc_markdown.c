/* docs/api.md. */
#include <ctype.h>
#include <jansson.h>

#include "api/api.h"
#include "api/doc.h"

static const char head[] =
    "<!-- made by `reeltime api --reference`: change src/api/, not this file -->\n"
    "# The recording API\n"
    "\n"
    "Reeltime speaks the cloud recording API of Tencent RTC (product `trtc`, version "
    "`2019-07-22`): the "
    "cloud's own SDKs work unchanged. Point them at the address of `api.listen`:\n"
    "\n"
    "```js\n"
    "import sdk from 'tencentcloud-sdk-nodejs';\n"
    "\n"
    "const client = new sdk.trtc.v20190722.Client({\n"
    "  credential: { secretId: 'AKIDexample', secretKey: 'example-secret-key' },   // credentials "
    "of "
    "reeltime.yaml\n"
    "  region: 'ap-singapore',                                                     // one of its "
    "regions\n"
    "  profile: { httpProfile: { endpoint: '127.0.0.1:9000', protocol: 'http://' } },\n"
    "});\n"
    "const { TaskId } = await client.CreateCloudRecording({ SdkAppId: 1400000001, /* ... */ });\n"
    "await client.DeleteCloudRecording({ SdkAppId: 1400000001, TaskId });\n"
    "```\n"
    "\n"
    "The same in a machine's words: [openapi.json](openapi.json) (OpenAPI 3.1). On the command "
    "line: "
    "[`reeltime ctl`](ctl.md).\n";

static const char requests[] =
    "\n## Requests\n"
    "\n"
    "The path is `/`, and that of `api.path_prefix` where it is set.\n"
    "\n"
    "| Request | Signature | Common parameters | Size |\n"
    "|---|---|---|---|\n"
    "| POST `application/json` | TC3-HMAC-SHA256 | headers | 10 MiB |\n"
    "| POST `multipart/form-data` | TC3-HMAC-SHA256 | headers | 10 MiB |\n"
    "| POST `application/x-www-form-urlencoded` | HmacSHA256, HmacSHA1 | in the form | 1 MiB |\n"
    "| GET | TC3-HMAC-SHA256 | headers | 32 KiB |\n"
    "| GET | HmacSHA256, HmacSHA1 | in the query | 32 KiB |\n"
    "\n"
    "| Header | In query or form | Required | Meaning |\n"
    "|---|---|---|---|\n"
    "| `X-TC-Action` | `Action` | yes | the action |\n"
    "| `X-TC-Version` | `Version` | yes | `2019-07-22` |\n"
    "| `X-TC-Region` | `Region` | yes | one of the service's `regions` |\n"
    "| `X-TC-Timestamp` | `Timestamp` | yes | Unix seconds, at most 300 away from the server's |\n"
    "| `Authorization` | `SecretId`, `Nonce`, `Signature`, `SignatureMethod` | yes | the signature "
    "|\n"
    "| `X-TC-Language` | `Language` | no | `zh-CN` for Chinese messages; English otherwise |\n"
    "| `X-TC-Token` | `Token` | no | refused: temporary credentials are not issued here |\n"
    "| `X-TC-TraceId` | the same header | no | comes back in the answer |\n"
    "| `X-TC-Content-SHA256` | | no | `UNSIGNED-PAYLOAD`: the body is not signed |\n"
    "| `" API_IDEMPOTENCY_HEADER "` | the same header | no | ours, see below |\n"
    "\n"
    "In a query or form nested parameters are flattened: `RecordParams.RecordMode=1`, lists with "
    "indexes from 0 (`MixLayoutParams.MixLayoutList.0.Width=320`); booleans are `true` and "
    "`false`. In "
    "multipart each top-level parameter is a part; objects and lists are parts of type "
    "`application/json`. A member that is `null` counts as absent.\n"
    "\n"
    "### Who may do what\n"
    "\n"
    "A key may be restricted to applications and to actions; other requests with it are answered "
    "with "
    "AuthFailure.UnauthorizedOperation:\n"
    "\n"
    "```yaml\n"
    "credentials:\n"
    "  - secret_id: AKIDexample                     # everything\n"
    "    secret_key: example-secret-key\n"
    "  - secret_id: AKIDdashboard                   # may look at the tasks of one application\n"
    "    secret_key: example-dashboard-key\n"
    "    apps: [1400000001]\n"
    "    actions: [DescribeCloudRecording]\n"
    "```\n"
    "\n"
    "Requests are limited to 20 a second for each key and action (`api.requests_per_second`, 0 for "
    "no "
    "limit); there are more limits for a key, a region and an address, off by default. "
    "`api.refuse_replays` refuses HmacSHA1 and HmacSHA256 requests that come a second time. "
    "Parameters "
    "that no action has are refused; `api.strict_parameters: false` ignores them.\n"
    "\n"
    "### A start that happens once\n"
    "\n"
    "A client that did not hear the answer of CreateCloudRecording cannot know whether the "
    "recording "
    "runs. With the header `" API_IDEMPOTENCY_HEADER
    "` it may just repeat the request: within 24 hours "
    "every CreateCloudRecording with the same value, SecretId and SdkAppId is answered with the "
    "TaskId "
    "of the first, also while the first is still starting, after the task has ended, and after a "
    "restart "
    "of the service. The value has 1 to 128 printable characters without blanks; a UUID for each "
    "recording is a good one. The parameters must be the same, but for UserSig and PrivateMapKey, "
    "which "
    "may be made anew; otherwise the answer is InvalidParameterValue. A start that failed is not "
    "remembered. An application may have 10000 such starts in 24 hours "
    "(`limits.start_keys_per_app`).\n"
    "\n"
    "## Answers\n"
    "\n"
    "The HTTP status is 200 and the type `application/json` for success and for every error:\n"
    "\n"
    "```json\n"
    "{\"Response\": {\"TaskId\": \"q3vJ7b0mX9tLr2Zc5yWk8_nAeUo1HdSx\", "
    "\"RequestId\": \"5b0d8a0e-93a5-4b6c-8f0c-0d6b2c1f7e10\"}}\n"
    "{\"Response\": {\"Error\": {\"Code\": \"InvalidParameter.OutOfRange\", \"Message\": \"A "
    "parameter is "
    "out of range: `RecordParams.MaxIdleTime` must be an integer from 5 to 86400, not `4`\"}, "
    "\"RequestId\": \"9d1e7a44-0f53-4e02-a6b5-5be0a2f1c3d9\"}}\n"
    "```\n"
    "\n"
    "`Error` is there only when something failed. Compare its `Code`, never its `Message`. "
    "`RequestId` "
    "is in the service's log.\n";

/* In a cell of a table; what stands between backticks is left alone but for the bar. */
static void put_cell(struct buf *out, const char *text)
{
    bool code = false;
    for (const char *c = text; *c; c++) {
        code ^= *c == '`';
        if (*c == '|' || (!code && (*c == '<' || *c == '*')))
            buf_put_u8(out, '\\');
        buf_put_u8(out, (uint8_t)*c);
    }
}

static const struct doc_object *object_of(const struct doc_object *objects, size_t count,
                                          const struct schema *table)
{
    for (size_t i = 0; i < count; i++)
        if (objects[i].table == table)
            return &objects[i];
    return &objects[0];
}

static void put_link(const struct doc_object *o, struct buf *out)
{
    buf_printf(out, "[%.*s](#", (int)o->name_len, o->name);
    for (size_t i = 0; i < o->name_len; i++)
        buf_put_u8(out, (uint8_t)tolower((unsigned char)o->name[i]));
    buf_put_str(out, ")");
}

/* What schema_wanted() says, with the characters as code. */
static void put_wanted(const struct schema_row *row, struct buf *out)
{
    char wanted[SCHEMA_TEXT_SIZE];
    schema_wanted(row, wanted);
    char *open = row->charset ? strchr(wanted, '[') : NULL;
    char *close = open ? strrchr(wanted, ']') : NULL;
    if (!close) {
        put_cell(out, wanted);
        return;
    }
    *open = *close = 0;
    put_cell(out, wanted);
    buf_put_u8(out, '`');
    for (const char *c = open + 1; *c; c++)
        buf_printf(out, *c == '|' ? "\\%c" : "%c", *c);
    buf_put_u8(out, '`');
    put_cell(out, close + 1);
}

/* What an answer holds has a type and no rules. */
static const char *answer_type(const struct schema_row *row)
{
    return row->type == SCHEMA_U64 ? "integer" : row->type == SCHEMA_STRING ? "string" : NULL;
}

static void put_value(const struct schema_row *row, const struct doc_object *objects, size_t count,
                      bool answer, struct buf *out)
{
    if (answer && answer_type(row)) {
        buf_put_str(out, answer_type(row));
        return;
    }
    if (!row->table) {
        put_wanted(row, out);
        return;
    }
    if (row->type == SCHEMA_OBJECTS && answer)
        buf_put_str(out, "a list of ");
    else if (row->type == SCHEMA_OBJECTS)
        buf_printf(out, "a list of at most %zu ", row->max_items);
    put_link(object_of(objects, count, row->table), out);
}

static void put_need(const struct schema_row *row, struct buf *out)
{
    if (row->required && row->fallback)
        buf_printf(out, "yes; `%s` without the object", row->fallback);
    else if (row->required)
        buf_put_str(out, "yes");
    else if (row->fallback)
        buf_printf(out, "no, `%s`", row->fallback);
    else
        buf_put_str(out, "no");
}

static void put_table(const struct schema *table, const struct doc_object *objects, size_t count,
                      bool answer, struct buf *out)
{
    buf_put_str(
        out, answer ? "\n| Member | Value | Meaning |\n|---|---|---|\n"
                    : "\n| Parameter | Required, default | Value | Meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_row *row = &table->rows[i];
        buf_printf(out, "| `%s` | ", row->name);
        if (!answer) {
            put_need(row, out);
            buf_put_str(out, " | ");
        }
        put_value(row, objects, count, answer, out);
        buf_put_str(out, " | ");
        put_cell(out, row->help);
        buf_put_str(out, " |\n");
    }
}

static void put_json(const char *text, struct buf *out)
{
    json_t *json = json_loads(text, 0, NULL);
    char *pretty = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    buf_printf(out, "```json\n%s\n```\n", pretty ? pretty : text);
    free(pretty);
    json_decref(json);
}

static void put_errors(unsigned action, struct buf *out)
{
    buf_put_str(out, "\n| Code | When |\n|---|---|\n");
    for (size_t i = 0; i < doc_error_count; i++) {
        const struct doc_error *e = &doc_errors[i];
        bool here = action == DOC_EVERY ? e->actions == DOC_EVERY
                                        : e->actions != DOC_EVERY && (e->actions & action);
        if (!here)
            continue;
        buf_printf(out, "| `%s` | ", e->code);
        put_cell(out, e->when);
        buf_put_str(out, " |\n");
    }
}

static void put_action(size_t place, const struct doc_object *objects, size_t count,
                       struct buf *out)
{
    const struct doc_action *a = &doc_actions[place];
    buf_printf(out, "\n## %s\n\n%s. %s\n", a->name, a->title, a->about);
    put_table(a->request, objects, count, false, out);
    buf_put_str(out, "\nExample:\n\n");
    put_json(a->example, out);
    buf_put_str(out, "\nThe answer, beside `RequestId`:\n");
    put_table(a->response, objects, count, true, out);
    buf_put_str(out, "\n");
    put_json(a->answer, out);
    buf_printf(out, "\nErrors beside [those of every action](#errors-of-every-action):\n");
    put_errors(1u << place, out);
}

/* Objects of answers have no defaults. */
static bool is_of_answer(const struct doc_object *o)
{
    return o->table->size == 0;
}

void doc_markdown(struct buf *out)
{
    struct doc_object objects[DOC_MAX_OBJECTS];
    size_t count = doc_objects(objects);
    buf_put_str(out, head);
    buf_put_str(out, "\n| Action | |\n|---|---|\n");
    for (size_t i = 0; i < DOC_ACTIONS; i++) {
        struct doc_object link = { doc_actions[i].name, strlen(doc_actions[i].name), NULL, NULL };
        buf_put_str(out, "| ");
        put_link(&link, out);
        buf_printf(out, " | %s |\n", doc_actions[i].title);
    }
    buf_put_str(out, requests);
    for (size_t i = 0; i < DOC_ACTIONS; i++)
        put_action(i, objects, count, out);
    buf_put_str(out, "\n## Objects\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "\n### %.*s\n\n", (int)objects[i].name_len, objects[i].name);
        buf_printf(out, "%s\n", objects[i].row->help);
        put_table(objects[i].table, objects, count, is_of_answer(&objects[i]), out);
    }
    buf_put_str(out, "\n## Errors of every action\n");
    put_errors(DOC_EVERY, out);
}
