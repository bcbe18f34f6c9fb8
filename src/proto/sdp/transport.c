/* The attributes of the transport: ICE (RFC 8839) and DTLS (RFC 8842). */
#include "base/err.h"
#include "base/str.h"
#include "sdp/attribute.h"

static int malformed(struct sdp_place *place, const char *problem)
{
    return sdp_refuse(place, ERR_MALFORMED, problem);
}

static int too_many(struct sdp_place *place)
{
    return sdp_refuse(place, ERR_LIMIT, "too many");
}

static bool ice_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' ||
           c == '/' || c == '-' || c == '_' ||
           c == '='; /* the last three: seen, though RFC 8839 has + and / only */
}

static bool is_ice_text(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ice_char(text.ptr[i]))
            return false;
    return text.len > 0;
}

int sdp_take_ufrag(struct sdp_place *place, struct bytes value)
{
    if (!is_ice_text(value) || value.len < 4 || value.len > SDP_MAX_ICE)
        return malformed(place, "not 4 to 256 ICE characters");
    place->media->ufrag = value;
    return OK;
}

int sdp_take_pwd(struct sdp_place *place, struct bytes value)
{
    if (!is_ice_text(value) || value.len < 22 || value.len > SDP_MAX_ICE)
        return malformed(place, "not 22 to 256 ICE characters");
    place->media->pwd = value;
    return OK;
}

int sdp_take_ice_options(struct sdp_place *place, struct bytes value)
{
    place->media->ice_options = value;
    return OK;
}

int sdp_take_setup(struct sdp_place *place, struct bytes value)
{
    if (bytes_equal_str(value, "actpass"))
        place->media->setup = SDP_SETUP_ACTPASS;
    else if (bytes_equal_str(value, "active"))
        place->media->setup = SDP_SETUP_ACTIVE;
    else if (bytes_equal_str(value, "passive"))
        place->media->setup = SDP_SETUP_PASSIVE;
    else
        return malformed(place, "not actpass, active or passive");
    return OK;
}

int sdp_take_fingerprint(struct sdp_place *place, struct bytes value)
{
    struct sdp_media *m = place->media;
    struct sdp_fingerprint f = { .algorithm = sdp_word(&value) };
    f.value = sdp_word(&value);
    if (!sdp_is_token(f.algorithm) || !str_only(f.value, "0123456789abcdefABCDEF:") ||
        f.value.len == 0)
        return malformed(place, "not an algorithm and hex pairs");
    if (!place->fingerprint_replaced)
        m->fingerprint_count = 0;
    place->fingerprint_replaced = true;
    if (m->fingerprint_count == SDP_MAX_FINGERPRINTS)
        return too_many(place);
    m->fingerprints[m->fingerprint_count++] = f;
    return OK;
}

static bool type_named(struct bytes text, enum sdp_candidate_type *out)
{
    static const char *const names[] = {
        [SDP_HOST] = "host",
        [SDP_SRFLX] = "srflx",
        [SDP_PRFLX] = "prflx",
        [SDP_RELAY] = "relay",
    };
    unsigned which;
    if (!sdp_named(text, names, sizeof names / sizeof *names, &which))
        return false;
    *out = (enum sdp_candidate_type)which;
    return true;
}

/* False for a host name (mDNS, RFC 8828), which is not looked up. */
static bool candidate_address(struct bytes text, uint64_t port, struct addr *out)
{
    char ip[ADDR_TEXT_SIZE];
    return str_copy(ip, sizeof ip, text) && addr_parse(out, ip, (uint16_t)port);
}

int sdp_take_candidate(struct sdp_place *place, struct bytes value)
{
    struct sdp_media *m = place->media;
    struct sdp_candidate c = { .foundation = sdp_word(&value) };
    if (c.foundation.len == 0)
        return OK; /* "a=candidate:" as a sign for the end, made of a browser's empty last candidate
                    */
    struct bytes component = sdp_word(&value), transport = sdp_word(&value);
    struct bytes priority = sdp_word(&value), address = sdp_word(&value), port = sdp_word(&value);
    struct bytes typ = sdp_word(&value), type = sdp_word(&value);
    uint64_t number, weight, at;
    if (!is_ice_text(c.foundation) || c.foundation.len > 32)
        return malformed(place, "bad foundation");
    if (!str_to_u64(component, 256, &number) || number == 0)
        return malformed(place, "no such component");
    if (!str_to_u64(priority, UINT32_MAX, &weight))
        return malformed(place, "bad priority");
    if (!str_to_u64(port, 65535, &at))
        return malformed(place, "no such port");
    if (!bytes_equal_str(typ, "typ") || type.len == 0)
        return malformed(place, "no type");
    if (number != 1 || !str_equal_nocase(transport, "udp") || !type_named(type, &c.type) ||
        at == 0 || !candidate_address(address, at, &c.addr))
        return OK;
    if (m->candidate_count == SDP_MAX_CANDIDATES)
        return too_many(place);
    c.priority = (uint32_t)weight;
    m->candidates[m->candidate_count++] = c;
    return OK;
}

int sdp_take_end_of_candidates(struct sdp_place *place, struct bytes value)
{
    (void)value;
    place->media->end_of_candidates = true;
    return OK;
}
