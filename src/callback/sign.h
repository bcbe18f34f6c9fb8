/* The header Sign: base64 of HMAC-SHA256 over the raw body (callbacks.md 1). */
#ifndef CALLBACK_SIGN_H
#define CALLBACK_SIGN_H

#include "base/bytes.h"

#define CALLBACK_SIGN_SIZE 48 /* 44 characters and a NUL */

/* `key` must not be empty: without a key there is no header. ERR_CRYPTO. */
int callback_sign(char out[CALLBACK_SIGN_SIZE], struct bytes key, struct bytes body);

#endif
