#include "base/err.h"
#include "stun/stun.h"
#include "stun/wire.h"

void stun_begin(struct stun_writer *s, void *block, size_t size, enum stun_class class,
                struct bytes transaction)
{
    s->w = writer_of(block, size < STUN_MAX_SIZE ? size : STUN_MAX_SIZE);
    write_u16(&s->w, (uint16_t)(STUN_BINDING | (class & 2) << 7 | (class & 1) << 4));
    write_u16(&s->w, 0); /* set by stun_end */
    write_u32(&s->w, STUN_COOKIE);
    write_bytes(&s->w, transaction);
}

static void put_header(struct stun_writer *s, enum stun_attribute type, size_t len)
{
    write_u16(&s->w, (uint16_t)type);
    write_u16(&s->w, (uint16_t)len);
}

static void put_text(struct stun_writer *s, enum stun_attribute type, struct bytes text)
{
    put_header(s, type, text.len);
    write_bytes(&s->w, text);
    write_bytes(&s->w, bytes_of("\0\0\0", (4 - text.len % 4) % 4));
}

void stun_put_username(struct stun_writer *s, struct bytes username)
{
    if (username.len > STUN_MAX_USERNAME)
        s->w.failed = true;
    put_text(s, STUN_ATTR_USERNAME, username);
}

void stun_put_software(struct stun_writer *s, struct bytes text)
{
    put_text(s, STUN_ATTR_SOFTWARE, text);
}

void stun_put_priority(struct stun_writer *s, uint32_t priority)
{
    put_header(s, STUN_ATTR_PRIORITY, 4);
    write_u32(&s->w, priority);
}

void stun_put_use_candidate(struct stun_writer *s)
{
    put_header(s, STUN_ATTR_USE_CANDIDATE, 0);
}

void stun_put_role(struct stun_writer *s, enum stun_role role, uint64_t tie_breaker)
{
    put_header(s, role == STUN_CONTROLLING ? STUN_ATTR_ICE_CONTROLLING : STUN_ATTR_ICE_CONTROLLED,
               8);
    write_u64(&s->w, tie_breaker);
}

void stun_put_mapped(struct stun_writer *s, struct addr mapped)
{
    size_t len = mapped.family == AF_INET ? 4 : 16;
    uint8_t ip[16];
    for (size_t i = 0; i < len && !s->w.failed; i++)
        ip[i] = mapped.ip[i] ^ s->w.start[4 + i];
    put_header(s, STUN_ATTR_XOR_MAPPED_ADDRESS, 4 + len);
    write_u16(&s->w, mapped.family == AF_INET ? 1 : 2);
    write_u16(&s->w, mapped.port ^ (STUN_COOKIE >> 16));
    if (!s->w.failed)
        write_bytes(&s->w, bytes_of(ip, len));
}

static const char *reason(enum stun_error_code code)
{
    switch (code) {
    case STUN_BAD_REQUEST: return "Bad Request";
    case STUN_UNAUTHENTICATED: return "Unauthenticated";
    case STUN_UNKNOWN_ATTRIBUTE: return "Unknown Attribute";
    case STUN_ROLE_CONFLICT: return "Role Conflict";
    }
    return "";
}

void stun_put_error(struct stun_writer *s, enum stun_error_code code)
{
    struct bytes text = bytes_str(reason(code));
    put_header(s, STUN_ATTR_ERROR_CODE, 4 + text.len);
    write_u32(&s->w, (uint32_t)(code / 100 << 8 | code % 100));
    write_bytes(&s->w, text);
    write_bytes(&s->w, bytes_of("\0\0\0", (4 - text.len % 4) % 4));
}

void stun_put_unknown(struct stun_writer *s, const uint16_t *types, size_t count)
{
    put_header(s, STUN_ATTR_UNKNOWN_ATTRIBUTES, 2 * count);
    for (size_t i = 0; i < count; i++)
        write_u16(&s->w, types[i]);
    if (count % 2)
        write_u16(&s->w, 0);
}

static void put_integrity(struct stun_writer *s, struct bytes key)
{
    uint8_t mac[STUN_INTEGRITY_SIZE];
    if (s->w.failed || stun_integrity(mac, s->w.start, writer_len(&s->w), key)) {
        s->w.failed = true;
        return;
    }
    put_header(s, STUN_ATTR_MESSAGE_INTEGRITY, sizeof mac);
    write_bytes(&s->w, bytes_of(mac, sizeof mac));
}

static void put_fingerprint(struct stun_writer *s)
{
    uint32_t crc = s->w.failed ? 0 : stun_fingerprint(s->w.start, writer_len(&s->w));
    put_header(s, STUN_ATTR_FINGERPRINT, STUN_FINGERPRINT_SIZE);
    write_u32(&s->w, crc);
}

size_t stun_end(struct stun_writer *s, struct bytes key)
{
    if (key.len)
        put_integrity(s, key);
    put_fingerprint(s);
    if (s->w.failed)
        return 0;
    set_u16(s->w.start + 2, (uint16_t)(writer_len(&s->w) - STUN_HEADER_SIZE));
    return writer_len(&s->w);
}
