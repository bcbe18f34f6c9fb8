#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

void buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){ .limit = limit };
}

void buf_fini(struct buf *b)
{
    free(b->ptr);
    buf_init(b, b->limit);
}

void buf_wipe(struct buf *b)
{
    if (b->ptr)
        explicit_bzero(b->ptr, b->size);
    buf_fini(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->err = OK;
    if (b->ptr)
        b->ptr[0] = 0;
}

static int grow(struct buf *b, size_t len)
{
    if (b->err)
        return b->err;
    if (len > b->limit || b->len > b->limit - len)
        return b->err = ERR_LIMIT;

    size_t need = b->len + len + 1;
    if (need <= b->size)
        return OK;
    size_t size = b->size ? b->size : 64;
    while (size < need)
        size *= 2;
    uint8_t *p = realloc(b->ptr, size);
    if (!p)
        return b->err = ERR_NOMEM;
    b->ptr = p;
    b->size = size;
    return OK;
}

uint8_t *buf_extend(struct buf *b, size_t len)
{
    if (grow(b, len))
        return NULL;
    uint8_t *p = b->ptr + b->len;
    b->len += len;
    b->ptr[b->len] = 0;
    return p;
}

void buf_put(struct buf *b, const void *ptr, size_t len)
{
    uint8_t *p = buf_extend(b, len);
    if (p && len)
        memcpy(p, ptr, len);
}

void buf_put_bytes(struct buf *b, struct bytes bytes)
{
    buf_put(b, bytes.ptr, bytes.len);
}

void buf_put_str(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

static void put_uint(struct buf *b, uint64_t v, size_t len)
{
    uint8_t *p = buf_extend(b, len);
    for (size_t i = len; p && i > 0; i--, v >>= 8)
        p[i - 1] = (uint8_t)v;
}

void buf_put_u8(struct buf *b, uint8_t v)
{
    put_uint(b, v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v)
{
    put_uint(b, v, 2);
}

void buf_put_u24(struct buf *b, uint32_t v)
{
    put_uint(b, v, 3);
}

void buf_put_u32(struct buf *b, uint32_t v)
{
    put_uint(b, v, 4);
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    put_uint(b, v, 8);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    uint8_t *p = len < 0 ? NULL : buf_extend(b, (size_t)len);
    if (p)
        vsnprintf((char *)p, (size_t)len + 1, fmt, again);
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

void buf_consume(struct buf *b, size_t len)
{
    if (len > b->len)
        len = b->len;
    b->len -= len;
    if (b->ptr)
        memmove(b->ptr, b->ptr + len, b->len + 1);
}

const char *buf_str(const struct buf *b)
{
    return b->ptr ? (const char *)b->ptr : "";
}

char *buf_detach(struct buf *b)
{
    if (!b->ptr && !b->err)
        grow(b, 0);
    if (b->err) {
        buf_fini(b);
        return NULL;
    }
    b->ptr[b->len] = 0;
    char *p = (char *)b->ptr;
    buf_init(b, b->limit);
    return p;
}
