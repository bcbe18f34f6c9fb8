/* The documented error codes (api.md 5, 6.3, 7) and the answers' envelope (api.md 4). Pure.
 *
 * A message is one sentence per code, in the language of the request, and after a colon a detail in
 * English that names parameters and values as they are on the wire. */
#ifndef API_ERRORS_H
#define API_ERRORS_H

#include <jansson.h>

#include "io/http.h"

enum api_language { API_ENGLISH, API_CHINESE };

/* The codes this service answers with. */
#define API_SIGNATURE_EXPIRE       "AuthFailure.SignatureExpire"
#define API_SIGNATURE_FAILURE      "AuthFailure.SignatureFailure"
#define API_SECRET_ID_NOT_FOUND    "AuthFailure.SecretIdNotFound"
#define API_INVALID_AUTHORIZATION  "AuthFailure.InvalidAuthorization"
#define API_TOKEN_FAILURE          "AuthFailure.TokenFailure"
#define API_UNAUTHORIZED_OPERATION "AuthFailure.UnauthorizedOperation" /* not with this key */
#define API_FAILED                 "FailedOperation"
#define API_UNSUPPORTED_METHOD     "FailedOperation.CRUnsupportMethod"
#define API_RESTRICTED_CONCURRENCY "FailedOperation.RestrictedConcurrency"
#define API_INTERNAL_ERROR         "InternalError"
#define API_RECORDING_ERROR        "InternalError.CRInternalError"
#define API_INVALID_ACTION         "InvalidAction"
#define API_INVALID_PARAMETER      "InvalidParameter"
#define API_OUT_OF_RANGE           "InvalidParameter.OutOfRange"
#define API_INVALID_SDK_APP_ID     "InvalidParameter.SdkAppId"
#define API_INVALID_USER_SIG       "InvalidParameter.UserSig"
#define API_INVALID_VALUE          "InvalidParameterValue"
#define API_INVALID_REQUEST        "InvalidRequest"
#define API_LIMIT_EXCEEDED         "LimitExceeded"
#define API_MISSING_PARAMETER      "MissingParameter" /* and with ".X", see api_missing_code() */
#define API_NO_SUCH_VERSION        "NoSuchVersion"
#define API_REQUEST_LIMIT_EXCEEDED "RequestLimitExceeded"
#define API_ADDRESS_LIMIT_EXCEEDED "RequestLimitExceeded.IPLimitExceeded"
#define API_KEY_LIMIT_EXCEEDED     "RequestLimitExceeded.UinLimitExceeded"
#define API_REGION_LIMIT_EXCEEDED  "RequestLimitExceeded.GlobalRegionUinLimitExceeded"
#define API_REQUEST_SIZE_EXCEEDED  "RequestSizeLimitExceeded"
#define API_RESOURCE_NOT_FOUND     "ResourceNotFound"
#define API_SERVICE_UNAVAILABLE    "ServiceUnavailable"
#define API_UNAUTHORIZED           "UnauthorizedOperation" /* not with this room ticket */
#define API_UNKNOWN_PARAMETER      "UnknownParameter"
#define API_UNSUPPORTED_OPERATION  "UnsupportedOperation"
#define API_UNSUPPORTED_PROTOCOL   "UnsupportedProtocol"
#define API_UNSUPPORTED_REGION     "UnsupportedRegion"

/* The sentence of a code; that of its first level, or a general one, for a code of no table. Never
 * NULL. */
const char *api_sentence(const char *code, enum api_language language);

/* "MissingParameter.Bucket" where the actions' error lists have such a code, else
 * "MissingParameter". */
const char *api_missing_code(const char *name);

/* `answer` is initialised here: 200 and exactly application/json. The request id is copied. */
void api_answer_error(struct http_answer *answer, enum api_language language, const char *code,
                      const char *detail, const char *request_id);

/* `fields` (may be NULL) is borrowed; RequestId comes last. */
void api_answer_fields(struct http_answer *answer, const json_t *fields, const char *request_id);

#endif
