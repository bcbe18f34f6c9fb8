/* Views of bytes, and cursors that cannot leave them. Integers are big-endian (network order).
 * Views borrow; nothing here allocates. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *ptr;
    size_t len;
};

static inline struct bytes bytes_of(const void *ptr, size_t len)
{
    return (struct bytes){ ptr, len };
}

static inline struct bytes bytes_str(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_str(struct bytes a, const char *text);

/* Compares secrets in a time that depends on the lengths only. */
bool bytes_equal_secret(struct bytes a, struct bytes b);

/* Reads from the front of a view. The first read past the end sets `failed`; it and all later ones
 * give 0 or an empty view, so that a parser can check once at the end. */
struct reader {
    const uint8_t *pos, *end;
    bool failed;
};

static inline struct reader reader_of(struct bytes b)
{
    return (struct reader){ b.ptr, b.len ? b.ptr + b.len : b.ptr,
                            false }; /* NULL + 0 is undefined */
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->pos);
}

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u24(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
struct bytes read_bytes(struct reader *r, size_t len);
struct bytes read_rest(struct reader *r);

/* Writes into a fixed block. The first write past the end sets `failed`; later ones do nothing. */
struct writer {
    uint8_t *start, *pos, *end;
    bool failed;
};

static inline struct writer writer_of(void *block, size_t size)
{
    uint8_t *p = block;
    return (struct writer){ p, p, p + size, false };
}

static inline size_t writer_len(const struct writer *w)
{
    return (size_t)(w->pos - w->start);
}

void write_u8(struct writer *w, uint8_t v);
void write_u16(struct writer *w, uint16_t v);
void write_u24(struct writer *w, uint32_t v);
void write_u32(struct writer *w, uint32_t v);
void write_u64(struct writer *w, uint64_t v);
void write_bytes(struct writer *w, struct bytes b);

/* Big-endian at a known place; the caller has checked the bounds. */
static inline uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void set_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void set_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

#endif
