#include "base/err.h"
#include "stun/stun.h"
#include "stun/wire.h"

bool stun_is(struct bytes datagram)
{
    return datagram.len >= STUN_HEADER_SIZE && datagram.ptr[0] < 4 &&
           get_u32(datagram.ptr + 4) == STUN_COOKIE;
}

/* RFC 8489 5: the class bits stand between the method's. */
static void read_type(struct stun_message *m, uint16_t type)
{
    m->class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
    m->method = (uint16_t)((type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2);
}

/* RFC 8489 14.2. */
static int read_mapped(struct stun_message *m, struct reader *r)
{
    read_u8(r);
    uint8_t family = read_u8(r);
    uint16_t port = read_u16(r);
    struct bytes ip = read_rest(r);
    if (r->failed || ip.len != (family == 1 ? 4 : family == 2 ? 16 : SIZE_MAX))
        return ERR_MALFORMED;
    m->mapped = (struct addr){ .family = family == 1 ? AF_INET : AF_INET6 };
    m->mapped.port = port ^ (STUN_COOKIE >> 16);
    for (size_t i = 0; i < ip.len; i++)
        m->mapped.ip[i] =
            ip.ptr[i] ^ m->raw.ptr[4 + i]; /* cookie and transaction id lie side by side */
    return OK;
}

/* RFC 8489 14.8. */
static int read_error(struct stun_message *m, struct reader *r)
{
    uint32_t v = read_u32(r);
    unsigned hundreds = v >> 8 & 7, rest = v & 0xff;
    if (r->failed || hundreds < 3 || hundreds > 6 || rest > 99)
        return ERR_MALFORMED;
    m->error_code = (uint16_t)(hundreds * 100 + rest);
    m->reason = read_rest(r);
    return OK;
}

static void note_unknown(struct stun_message *m, uint16_t type)
{
    if (type >= 0x8000)
        return; /* comprehension-optional */
    if (m->unknown_count < STUN_MAX_UNKNOWN)
        m->unknown[m->unknown_count] = type;
    m->unknown_count++;
}

static int read_text(struct bytes *out, struct bytes value, size_t max)
{
    if (value.len > max)
        return ERR_MALFORMED;
    if (!out->ptr)
        *out = value;
    return OK;
}

static int read_role(struct stun_message *m, struct reader *r, enum stun_role role)
{
    uint64_t tie_breaker = read_u64(r);
    if (!r->failed && m->role == STUN_ROLE_NONE) {
        m->role = role;
        m->tie_breaker = tie_breaker;
    }
    return r->failed || reader_left(r) ? ERR_MALFORMED : OK;
}

static int read_priority(struct stun_message *m, struct reader *r)
{
    uint32_t priority = read_u32(r);
    if (!m->has_priority)
        m->priority = priority;
    m->has_priority = true;
    return r->failed || reader_left(r) ? ERR_MALFORMED : OK;
}

static int read_attribute(struct stun_message *m, uint16_t type, struct bytes value)
{
    struct reader r = reader_of(value);
    switch (type) {
    case STUN_ATTR_USERNAME: return read_text(&m->username, value, STUN_MAX_USERNAME);
    case STUN_ATTR_REALM: return read_text(&m->realm, value, 763);
    case STUN_ATTR_NONCE: return read_text(&m->nonce, value, 763);
    case STUN_ATTR_SOFTWARE: return read_text(&m->software, value, 763);
    case STUN_ATTR_PRIORITY: return read_priority(m, &r);
    case STUN_ATTR_ICE_CONTROLLING: return read_role(m, &r, STUN_CONTROLLING);
    case STUN_ATTR_ICE_CONTROLLED: return read_role(m, &r, STUN_CONTROLLED);
    case STUN_ATTR_USE_CANDIDATE: m->use_candidate = true; return value.len ? ERR_MALFORMED : OK;
    case STUN_ATTR_XOR_MAPPED_ADDRESS: return m->mapped.family ? OK : read_mapped(m, &r);
    case STUN_ATTR_ERROR_CODE: return m->error_code ? OK : read_error(m, &r);
    case STUN_ATTR_UNKNOWN_ATTRIBUTES: return OK;
    }
    note_unknown(m, type);
    return OK;
}

/* FINGERPRINT is the last attribute, and `at` its place. */
static int check_fingerprint(struct stun_message *m, struct bytes value, size_t at)
{
    if (value.len != STUN_FINGERPRINT_SIZE || at + STUN_ATTR_HEADER_SIZE + value.len != m->raw.len)
        return ERR_MALFORMED;
    m->has_fingerprint = true;
    return get_u32(value.ptr) == stun_fingerprint(m->raw.ptr, at) ? OK : ERR_MALFORMED;
}

static int note_integrity(struct stun_message *m, struct bytes value, size_t at)
{
    if (value.len != STUN_INTEGRITY_SIZE)
        return ERR_MALFORMED;
    m->integrity_at = at;
    return OK;
}

/* One attribute with its padding, whose bytes may be anything (RFC 8489 14). */
static uint16_t next_attribute(struct reader *r, struct bytes *value)
{
    uint16_t type = read_u16(r);
    uint16_t len = read_u16(r);
    *value = read_bytes(r, len);
    read_bytes(r, (4 - len % 4u) % 4u);
    return type;
}

static int read_attributes(struct stun_message *m, struct reader r)
{
    while (reader_left(&r)) {
        size_t at = (size_t)(r.pos - m->raw.ptr);
        struct bytes value;
        uint16_t type = next_attribute(&r, &value);
        if (r.failed)
            return ERR_MALFORMED;
        int err = OK;
        if (type == STUN_ATTR_FINGERPRINT)
            err = check_fingerprint(m, value, at);
        else if (m->integrity_at)
            continue;
        else if (type == STUN_ATTR_MESSAGE_INTEGRITY)
            err = note_integrity(m, value, at);
        else
            err = read_attribute(m, type, value);
        if (err)
            return err;
    }
    return OK;
}

/* Checks the header and leaves the reader at the first attribute. */
static int read_header(struct stun_message *m, struct reader *r)
{
    if (!stun_is(m->raw))
        return ERR_MALFORMED;
    if (m->raw.len > STUN_MAX_SIZE)
        return ERR_LIMIT;
    read_type(m, read_u16(r));
    uint16_t len = read_u16(r);
    read_u32(r);
    m->transaction = read_bytes(r, STUN_TRANSACTION_SIZE);
    return r->failed || len % 4 || len != reader_left(r) ? ERR_MALFORMED : OK;
}

int stun_parse(struct stun_message *out, struct bytes datagram)
{
    struct stun_message m = { .raw = datagram };
    struct reader r = reader_of(datagram);
    int err = read_header(&m, &r);
    if (!err)
        err = read_attributes(&m, r);
    if (!err)
        *out = m;
    return err;
}

bool stun_peek_username(struct bytes datagram, struct bytes *username)
{
    struct stun_message m = { .raw = datagram };
    struct reader r = reader_of(datagram);
    if (read_header(&m, &r) || m.class != STUN_REQUEST)
        return false;
    while (reader_left(&r)) {
        struct bytes value;
        uint16_t type = next_attribute(&r, &value);
        if (r.failed || value.len > STUN_MAX_USERNAME)
            return false;
        if (type == STUN_ATTR_USERNAME) {
            *username = value;
            return true;
        }
    }
    return false;
}

bool stun_split_username(struct bytes username, struct bytes *local, struct bytes *remote)
{
    const uint8_t *colon = username.len ? memchr(username.ptr, ':', username.len) : NULL;
    if (!colon)
        return false;
    size_t len = (size_t)(colon - username.ptr);
    *local = bytes_of(username.ptr, len);
    *remote = bytes_of(colon + 1, username.len - len - 1);
    return true;
}
