#include "base/base64.h"

#include "base/err.h"

static const char head[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char tails[][4] = {
    [BASE64_STANDARD] = "+/=",
    [BASE64_USERSIG] = "*-_",
    [BASE64_ESCAPED] = "+-.",
};

static char digit(unsigned v, const char *tail)
{
    return v < 62 ? head[v] : tail[v - 62];
}

static int value(uint8_t c, const char *tail)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (uint8_t)tail[0])
        return 62;
    if (c == (uint8_t)tail[1])
        return 63;
    return -1;
}

void base64_encode(struct buf *out, struct bytes in, enum base64_alphabet alphabet)
{
    const char *tail = tails[alphabet];
    uint8_t *p = buf_extend(out, (in.len + 2) / 3 * 4);
    for (size_t i = 0; p && i < in.len; i += 3, p += 4) {
        size_t left = in.len - i;
        unsigned v = (unsigned)in.ptr[i] << 16;
        if (left > 1)
            v |= (unsigned)in.ptr[i + 1] << 8;
        if (left > 2)
            v |= in.ptr[i + 2];
        p[0] = (uint8_t)digit(v >> 18, tail);
        p[1] = (uint8_t)digit(v >> 12 & 63, tail);
        p[2] = (uint8_t)(left > 1 ? digit(v >> 6 & 63, tail) : tail[2]);
        p[3] = (uint8_t)(left > 2 ? digit(v & 63, tail) : tail[2]);
    }
}

int base64_decode(struct buf *out, struct bytes in, enum base64_alphabet alphabet)
{
    const char *tail = tails[alphabet];
    if (in.len % 4)
        return ERR_MALFORMED;
    for (size_t i = 0; i < in.len; i += 4) {
        const uint8_t *q = in.ptr + i;
        bool last = i + 4 == in.len;
        int pad = last && q[3] == (uint8_t)tail[2] ? (q[2] == (uint8_t)tail[2] ? 2 : 1) : 0;
        int v[4] = { value(q[0], tail), value(q[1], tail), pad > 1 ? 0 : value(q[2], tail),
                     pad > 0 ? 0 : value(q[3], tail) };
        if (v[0] < 0 || v[1] < 0 || v[2] < 0 || v[3] < 0)
            return ERR_MALFORMED;
        uint8_t b[3] = { (uint8_t)(v[0] << 2 | v[1] >> 4), (uint8_t)(v[1] << 4 | v[2] >> 2),
                         (uint8_t)(v[2] << 6 | v[3]) };
        if ((pad == 2 && (v[1] & 15)) || (pad == 1 && (v[2] & 3)))
            return ERR_MALFORMED; /* bits that belong to no byte */
        buf_put(out, b, (size_t)(3 - pad));
    }
    return out->err;
}

void hex_encode(char *out, struct bytes in)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.len; i++) {
        *out++ = digits[in.ptr[i] >> 4];
        *out++ = digits[in.ptr[i] & 15];
    }
    *out = 0;
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(uint8_t *out, size_t len, struct bytes in)
{
    if (in.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int hi = nibble(in.ptr[2 * i]), lo = nibble(in.ptr[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}
