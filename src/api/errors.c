#include "api/errors.h"

#include "base/err.h"

#define MAX_DETAIL 1024

static const struct sentence {
    const char *code;
    const char *text[2]; /* by enum api_language */
} sentences[] = {
    { API_SIGNATURE_EXPIRE, { "The signature has expired", "签名已过期" } },
    { API_SIGNATURE_FAILURE, { "The signature is wrong", "签名错误" } },
    { API_SECRET_ID_NOT_FOUND, { "The SecretId is not known", "密钥不存在" } },
    { API_INVALID_AUTHORIZATION,
      { "The Authorization header is malformed", "请求头 Authorization 不符合规范" } },
    { API_TOKEN_FAILURE, { "The token is not valid", "token 无效" } },
    { API_UNAUTHORIZED_OPERATION, { "The operation is not authorized", "操作未授权" } },
    { "AuthFailure", { "The request is not authenticated", "鉴权失败" } },
    { API_UNSUPPORTED_METHOD, { "This is not supported here", "不支持的录制方式" } },
    { API_RESTRICTED_CONCURRENCY, { "Too many tasks are running", "并发录制任务数超过限制" } },
    { API_FAILED, { "The operation failed", "操作失败" } },
    { API_RECORDING_ERROR, { "The recording service failed", "录制服务内部错误" } },
    { API_INTERNAL_ERROR, { "Internal error", "内部错误" } },
    { API_INVALID_ACTION, { "There is no such action", "接口不存在" } },
    { API_OUT_OF_RANGE, { "A parameter is out of range", "参数超出范围" } },
    { API_INVALID_SDK_APP_ID, { "The SdkAppId is not known", "SdkAppId 错误" } },
    { API_INVALID_USER_SIG, { "The UserSig is wrong or has expired", "UserSig 错误或已过期" } },
    { API_INVALID_PARAMETER, { "A parameter is wrong", "参数错误" } },
    { API_INVALID_VALUE, { "The value of a parameter is wrong", "参数取值错误" } },
    { API_INVALID_REQUEST,
      { "The multipart body is malformed", "请求 body 的 multipart 格式错误" } },
    { API_LIMIT_EXCEEDED, { "A quota is used up", "超过配额限制" } },
    { API_MISSING_PARAMETER, { "A parameter is missing", "缺少参数" } },
    { API_NO_SUCH_VERSION, { "There is no such version of this API", "接口版本不存在" } },
    { API_REQUEST_LIMIT_EXCEEDED, { "Too many requests", "请求的次数超过了频率限制" } },
    { API_REQUEST_SIZE_EXCEEDED, { "The request is too large", "请求包超过限制大小" } },
    { API_RESOURCE_NOT_FOUND, { "There is no such resource", "资源不存在" } },
    { API_SERVICE_UNAVAILABLE, { "The service is not available", "服务不可用" } },
    { API_UNAUTHORIZED, { "The operation is not permitted", "未授权操作" } },
    { API_UNKNOWN_PARAMETER, { "There is no such parameter", "未知参数" } },
    { API_UNSUPPORTED_OPERATION, { "The operation is not supported", "操作不支持" } },
    { API_UNSUPPORTED_PROTOCOL, { "The protocol is not supported", "请求协议不支持" } },
    { API_UNSUPPORTED_REGION, { "The region is not supported", "接口不支持所传地域" } },
};

const char *api_sentence(const char *code, enum api_language language)
{
    size_t first_level = strcspn(code, ".");
    const struct sentence *found = NULL;
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        const struct sentence *s = &sentences[i];
        if (strcmp(s->code, code) == 0)
            return s->text[language];
        if (strlen(s->code) == first_level && strncmp(s->code, code, first_level) == 0)
            found = s;
    }
    return found ? found->text[language] : api_sentence(API_FAILED, language);
}

const char *api_missing_code(const char *name)
{
    static const char *const codes[] = {
        "MissingParameter.AccessKey",    "MissingParameter.Bucket",
        "MissingParameter.CloudStorage", "MissingParameter.RecordMode",
        "MissingParameter.RecordParams", "MissingParameter.Region",
        "MissingParameter.RoomId",       "MissingParameter.SdkAppId",
        "MissingParameter.SecretKey",    "MissingParameter.StorageParams",
        "MissingParameter.TaskId",       "MissingParameter.UserId",
        "MissingParameter.UserSig",      "MissingParameter.Vendor",
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i] + sizeof "MissingParameter", name) == 0)
            return codes[i];
    return API_MISSING_PARAMETER;
}

static int put(const char *text, size_t len, void *ctx)
{
    buf_put(ctx, text, len);
    return 0;
}

/* Takes `response` over. */
static void finish(struct http_answer *answer, json_t *response, const char *request_id)
{
    json_object_set_new(response, "RequestId", json_string(request_id));
    json_t *envelope = json_object();
    json_object_set_new(envelope, "Response", response);
    http_answer_init(answer, 200);
    http_answer_header(answer, "Content-Type", "application/json");
    json_dump_callback(envelope, put, &answer->body, JSON_COMPACT);
    json_decref(envelope);
}

void api_answer_error(struct http_answer *answer, enum api_language language, const char *code,
                      const char *detail, const char *request_id)
{
    const char *sentence = api_sentence(code, language);
    struct buf message;
    buf_init(&message, MAX_DETAIL);
    buf_put_str(&message, sentence);
    if (*detail)
        buf_printf(&message, ": %s", detail);
    json_t *text = json_string(buf_str(&message));
    buf_fini(&message);

    json_t *error = json_object(), *response = json_object();
    json_object_set_new(error, "Code", json_string(code));
    json_object_set_new(error, "Message", text ? text : json_string(sentence));
    json_object_set_new(response, "Error", error);
    finish(answer, response, request_id);
}

void api_answer_fields(struct http_answer *answer, const json_t *fields, const char *request_id)
{
    json_t *response = json_object();
    if (fields)
        json_object_update(response, (json_t *)fields);
    finish(answer, response, request_id);
}
