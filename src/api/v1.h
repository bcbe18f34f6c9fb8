/* HmacSHA1 and HmacSHA256, the older signatures over the parameters of a query or form
 * (api.md 3.4). Pure. Inside api/ only. */
#ifndef API_V1_H
#define API_V1_H

#include "api/pairs.h"
#include "io/http.h"
#include "sign/digest.h"

enum v1_algorithm { V1_SHA1, V1_SHA256 };

/* What SignatureMethod selects: only the exact word HmacSHA256 is SHA-256. NULL: absent. */
enum v1_algorithm v1_algorithm_of(const char *signature_method);

/* OK when `signature` is that of this request with these parameters (Signature itself is left
 * out); the host may have been signed with or without its port, the path as "/" or as sent.
 * ERR_AUTH: it is not. ERR_NOMEM, ERR_CRYPTO. Compares in constant time. */
int v1_verify(const struct http_request *request, const struct pairs *params, const char *signature,
              enum v1_algorithm algorithm, const char *secret_key);

/* Appends the signature, base64, as a client makes it. ERR_NOMEM, ERR_CRYPTO. */
int v1_sign(const char *method, const char *host, const struct pairs *params,
            enum v1_algorithm algorithm, const char *secret_key, struct buf *out);

#endif
