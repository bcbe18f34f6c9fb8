/* Every code this service answers with, and when. */
#include "api/doc.h"
#include "api/errors.h"

#define BY_TASK (DOC_DESCRIBE | DOC_MODIFY | DOC_DELETE)
#define BY_APP  (DOC_CREATE | DOC_DESCRIBE | DOC_DELETE)

const struct doc_error doc_errors[] = {
    /* the request as such */
    { API_UNSUPPORTED_PROTOCOL, "The method is neither GET nor POST.", DOC_EVERY },
    { API_REQUEST_SIZE_EXCEEDED,
      "A body of more than 10 MiB, a form of more than 1 MiB, a GET target of more than 32 KiB.",
      DOC_EVERY },
    { API_INVALID_REQUEST, "The multipart body or its boundary is malformed.", DOC_EVERY },
    { API_UNSUPPORTED_OPERATION, "The Content-Type is none of those served.", DOC_EVERY },
    { API_MISSING_PARAMETER,
      "A common parameter is missing (Action, Version, Region, Timestamp, Authorization, Nonce, "
      "SecretId, Signature), or one of an action that has no code of its own.",
      DOC_EVERY },
    /* who asks */
    { API_INVALID_AUTHORIZATION,
      "The Authorization header is malformed, or a form was signed by a header.", DOC_EVERY },
    { API_SECRET_ID_NOT_FOUND, "The SecretId is not known.", DOC_EVERY },
    { API_SIGNATURE_EXPIRE, "The timestamp is more than 300 s away from the server's time.",
      DOC_EVERY },
    { API_SIGNATURE_FAILURE,
      "The signature is not that of this request; or, where the service refuses replays, the "
      "request has come before.",
      DOC_EVERY },
    { API_TOKEN_FAILURE, "A token was sent: temporary credentials are not issued here.",
      DOC_EVERY },
    { API_UNAUTHORIZED_OPERATION,
      "The key has no right to this action, or none for this application.", DOC_EVERY },
    /* what is asked */
    { API_NO_SUCH_VERSION, "The version is not 2019-07-22.", DOC_EVERY },
    { API_INVALID_ACTION, "There is no such action.", DOC_EVERY },
    { API_UNSUPPORTED_REGION, "The region exists and is not among the service's `regions`.",
      DOC_EVERY },
    { API_INVALID_VALUE,
      "There is no such region; or the idempotency key is malformed, or was used for a start with "
      "other parameters.",
      DOC_EVERY },
    /* how often */
    { API_REQUEST_LIMIT_EXCEEDED, "More than 20 requests a second of one key for one action.",
      DOC_EVERY },
    { API_KEY_LIMIT_EXCEEDED, "More requests of one key than the service allows.", DOC_EVERY },
    { API_REGION_LIMIT_EXCEEDED,
      "More requests of one key that name this region than the service allows.", DOC_EVERY },
    { API_ADDRESS_LIMIT_EXCEEDED, "More requests from one address than the service allows.",
      DOC_EVERY },
    /* parameters */
    { API_INVALID_PARAMETER,
      "The body, query or form cannot be read, or a parameter is of another type.", DOC_EVERY },
    { API_UNKNOWN_PARAMETER, "A parameter that the action does not have.", DOC_EVERY },
    { API_OUT_OF_RANGE,
      "A number, text, list or position outside what its parameter allows, or a rule between "
      "parameters is broken. The message names the parameter.",
      DOC_EVERY },
    { "MissingParameter.SdkAppId", "SdkAppId is missing or 0.", DOC_EVERY },
    { "MissingParameter.TaskId", "TaskId is missing or empty.", BY_TASK },
    { "MissingParameter.RoomId", "RoomId is missing or empty.", DOC_CREATE },
    { "MissingParameter.UserId", "UserId is missing or empty.", DOC_CREATE },
    { "MissingParameter.UserSig", "UserSig is missing or empty.", DOC_CREATE },
    { "MissingParameter.RecordParams", "RecordParams is missing.", DOC_CREATE },
    { "MissingParameter.RecordMode", "RecordParams.RecordMode is missing.", DOC_CREATE },
    { "MissingParameter.StorageParams", "StorageParams is missing.", DOC_CREATE },
    { "MissingParameter.CloudStorage",
      "StorageParams has neither CloudStorage nor a CloudVod with TencentVod.", DOC_CREATE },
    { "MissingParameter.Vendor", "CloudStorage.Vendor is missing.", DOC_CREATE },
    { "MissingParameter.Region", "CloudStorage.Region is missing or empty.", DOC_CREATE },
    { "MissingParameter.Bucket", "CloudStorage.Bucket is missing or empty.", DOC_CREATE },
    { "MissingParameter.AccessKey", "CloudStorage.AccessKey is missing or empty.", DOC_CREATE },
    { "MissingParameter.SecretKey", "CloudStorage.SecretKey is missing or empty.", DOC_CREATE },
    /* the task */
    { API_INVALID_SDK_APP_ID, "The application is not known here.", BY_APP },
    { API_INVALID_USER_SIG, "UserSig is malformed, has expired, or is of another user or key.",
      DOC_CREATE },
    { API_UNAUTHORIZED,
      "The application wants a PrivateMapKey, and this one is missing, malformed, has expired, or "
      "does not allow to enter the room.",
      DOC_CREATE },
    { API_UNSUPPORTED_METHOD,
      "Everything is valid, and this service does not serve it, like mixed mode or video on "
      "demand; "
      "the message names it.",
      DOC_CREATE },
    { API_RESTRICTED_CONCURRENCY, "The application has as many running tasks as it may have.",
      DOC_CREATE },
    { API_LIMIT_EXCEEDED,
      "Too many starts of the application with an idempotency key in a day, or too many repeats "
      "of one at the same time.",
      DOC_CREATE },
    { API_FAILED,
      "CloudStorage and CloudVod were both given; or UserId is that of a user in the room.",
      DOC_CREATE },
    { API_FAILED, "The task has ended.", DOC_MODIFY },
    { API_UNSUPPORTED_OPERATION,
      "The configuration does not let this application use the storage it names.", DOC_CREATE },
    { API_RESOURCE_NOT_FOUND,
      "There is no such task of this application: never, not any more, or its ResourceExpiredHour "
      "is over.",
      DOC_DESCRIBE | DOC_DELETE },
    { API_RESOURCE_NOT_FOUND,
      "There is no such application, or no such task of it: never, not any more, or its "
      "ResourceExpiredHour is over.",
      DOC_MODIFY },
    /* our side */
    { API_SERVICE_UNAVAILABLE, "The service is shutting down. Try again.", DOC_CREATE },
    { API_RECORDING_ERROR,
      "The service could not do it: disk, store, memory. Try again with the same parameters after "
      "3, 6 and 12 s.",
      DOC_EVERY },
    { API_INTERNAL_ERROR,
      "The same before the action was reached, or the answer took longer than 6 s.", DOC_EVERY },
};
const size_t doc_error_count = sizeof doc_errors / sizeof *doc_errors;
