#include "base/bytes.h"

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool bytes_equal_str(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_str(text));
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    volatile uint8_t diff = 0;
    for (size_t i = 0; i < a.len; i++)
        diff |= a.ptr[i] ^ b.ptr[i];
    return diff == 0;
}

/* The next `len` bytes, or NULL with `failed` set. */
static const uint8_t *take(struct reader *r, size_t len)
{
    if (r->failed || reader_left(r) < len) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->pos;
    r->pos += len;
    return p;
}

static uint64_t read_uint(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    uint64_t v = 0;
    for (size_t i = 0; p && i < len; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_uint(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_uint(r, 2);
}

uint32_t read_u24(struct reader *r)
{
    return (uint32_t)read_uint(r, 3);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_uint(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_uint(r, 8);
}

struct bytes read_bytes(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    return p ? bytes_of(p, len) : bytes_of(NULL, 0);
}

struct bytes read_rest(struct reader *r)
{
    return read_bytes(r, r->failed ? 0 : reader_left(r));
}

static uint8_t *room(struct writer *w, size_t len)
{
    if (w->failed || (size_t)(w->end - w->pos) < len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *p = w->pos;
    w->pos += len;
    return p;
}

static void write_uint(struct writer *w, uint64_t v, size_t len)
{
    uint8_t *p = room(w, len);
    for (size_t i = len; p && i > 0; i--, v >>= 8)
        p[i - 1] = (uint8_t)v;
}

void write_u8(struct writer *w, uint8_t v)
{
    write_uint(w, v, 1);
}

void write_u16(struct writer *w, uint16_t v)
{
    write_uint(w, v, 2);
}

void write_u24(struct writer *w, uint32_t v)
{
    write_uint(w, v, 3);
}

void write_u32(struct writer *w, uint32_t v)
{
    write_uint(w, v, 4);
}

void write_u64(struct writer *w, uint64_t v)
{
    write_uint(w, v, 8);
}

void write_bytes(struct writer *w, struct bytes b)
{
    uint8_t *p = room(w, b.len);
    if (p && b.len)
        memcpy(p, b.ptr, b.len);
}
