/* Takes the secrets of a task out of its parameters, and puts them back. Secret is whatever stands
 * under the names UserSig, PrivateMapKey, AccessKey and SecretKey, at any depth (api.md 5, 9).
 * Pure; any thread. */
#ifndef STORE_SECRETS_H
#define STORE_SECRETS_H

#include "base/buf.h"

/* `params` is a JSON object. Appends it without its secrets to `clean` (compact, members in their
 * order), and the secrets to `secrets` as a JSON object of the same shape; nothing is appended
 * there when there are none. ERR_MALFORMED: no JSON object; ERR_NOMEM; a buffer's own error. */
int secrets_split(struct buf *clean, struct buf *secrets, struct bytes params);

/* The reverse: appends the whole parameters (members that were taken out stand last in their
 * object). An empty `secrets` is none. ERR_MALFORMED, also when the two do not belong together. */
int secrets_join(struct buf *params, struct bytes clean, struct bytes secrets);

#endif
