/* Base64 (RFC 4648, section 4) in the three alphabets the service meets, and hex. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

enum base64_alphabet {
    BASE64_STANDARD, /* + / = */
    BASE64_USERSIG,  /* * - _ : UserSig and PrivateMapKey (rooms.md 1) */
    BASE64_ESCAPED,  /* + - . : ids in file names (files.md 1) */
};

/* Appends the padded encoding. */
void base64_encode(struct buf *out, struct bytes in, enum base64_alphabet alphabet);

/* Appends the decoded bytes. Padding is required, white space refused. ERR_MALFORMED; the buffer's
 * own error. */
int base64_decode(struct buf *out, struct bytes in, enum base64_alphabet alphabet);

/* Lower-case hex and a NUL; `out` holds 2 * len + 1. */
void hex_encode(char *out, struct bytes in);

/* `in` must be exactly 2 * len hex digits of either case. */
bool hex_decode(uint8_t *out, size_t len, struct bytes in);

#endif
