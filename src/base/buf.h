/* A growing byte buffer, born with its limit. Errors stick: after the first failed put (out of
 * memory, or the limit) later puts do nothing, and one check at the end suffices. What was put
 * before stays readable. The bytes are always followed by a NUL that `len` does not count. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/bytes.h"

struct buf {
    uint8_t *ptr;
    size_t len, size, limit;
    int err; /* OK, ERR_NOMEM or ERR_LIMIT */
};

void buf_init(struct buf *b, size_t limit);
void buf_fini(
    struct buf *b); /* frees; the buffer may be used again afterwards with the same limit */
void buf_wipe(struct buf *b);  /* the same for what held a secret: overwrites it first */
void buf_clear(struct buf *b); /* empties and forgives an error; keeps the memory */

void buf_put(struct buf *b, const void *ptr, size_t len);
void buf_put_bytes(struct buf *b, struct bytes bytes);
void buf_put_str(struct buf *b, const char *text);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u24(struct buf *b, uint32_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* `len` bytes of uninitialised room at the end, counted in `len`; NULL after an error. */
uint8_t *buf_extend(struct buf *b, size_t len);

/* Drops `len` bytes from the front. */
void buf_consume(struct buf *b, size_t len);

static inline struct bytes buf_bytes(const struct buf *b)
{
    return bytes_of(b->ptr, b->len);
}

/* The content as text; "" when empty. Borrowed until the next put. */
const char *buf_str(const struct buf *b);

/* Hands the memory to the caller, who frees it; the buffer is empty afterwards. NULL after an error
 * (the memory is freed). An empty buffer gives an allocated "". */
char *buf_detach(struct buf *b);

#endif
