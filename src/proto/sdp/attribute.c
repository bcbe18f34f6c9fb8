#include "sdp/attribute.h"

#include "base/err.h"
#include "base/str.h"

int sdp_refuse(struct sdp_place *place, int err, const char *problem)
{
    place->problem = problem;
    return err;
}

static int malformed(struct sdp_place *place, const char *problem)
{
    return sdp_refuse(place, ERR_MALFORMED, problem);
}

static int too_many(struct sdp_place *place)
{
    return sdp_refuse(place, ERR_LIMIT, "too many");
}

struct bytes sdp_word(struct bytes *text)
{
    *text = str_trim(*text);
    return str_split(*text, ' ', text);
}

static bool token_char(uint8_t c)
{
    return c == '!' || (c >= '#' && c <= '\'') || c == '*' || c == '+' || c == '-' || c == '.' ||
           (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= '^' && c <= '~');
}

bool sdp_is_token(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!token_char(text.ptr[i]))
            return false;
    return text.len > 0;
}

/* NULL: not a payload type that the section's m= line lists. */
static struct sdp_codec *codec_named(struct sdp_media *media, struct bytes word)
{
    uint64_t pt;
    if (!str_to_u64(word, 127, &pt))
        return NULL;
    return (struct sdp_codec *)sdp_codec_of(media, (uint8_t)pt);
}

static int take_rtpmap(struct sdp_place *place, struct bytes value)
{
    struct sdp_codec *codec = codec_named(place->media, sdp_word(&value));
    if (!codec)
        return OK; /* a payload type that the m= line does not list */
    struct bytes rest, name = str_split(sdp_word(&value), '/', &rest);
    struct bytes channels, clock = str_split(rest, '/', &channels);
    uint64_t hz, count = 1;
    if (!sdp_is_token(name) || !str_to_u64(clock, 1000000, &hz) || hz == 0)
        return malformed(place, "not a codec and its clock rate");
    if (channels.len && !str_to_u64(channels, 255, &count))
        return malformed(place, "not a number of channels");
    codec->name = name;
    codec->clock = (uint32_t)hz;
    codec->channels = (uint8_t)count;
    return OK;
}

static int take_fmtp(struct sdp_place *place, struct bytes value)
{
    struct sdp_codec *codec = codec_named(place->media, sdp_word(&value));
    if (codec)
        codec->fmtp = str_trim(value);
    return OK;
}

static unsigned feedback_bit(struct bytes text)
{
    static const struct {
        const char *text;
        unsigned bit;
    } known[] = {
        { "nack", SDP_FB_NACK },
        { "nack pli", SDP_FB_NACK_PLI },
        { "ccm fir", SDP_FB_CCM_FIR },
        { "transport-cc", SDP_FB_TRANSPORT_CC },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (bytes_equal_str(text, known[i].text))
            return known[i].bit;
    return 0;
}

static int take_rtcp_fb(struct sdp_place *place, struct bytes value)
{
    struct bytes which = sdp_word(&value);
    unsigned bit = feedback_bit(str_trim(value));
    bool all = bytes_equal_str(which, "*");
    struct sdp_codec *one = all ? NULL : codec_named(place->media, which);
    for (size_t i = 0; i < place->media->codec_count; i++)
        if (all || &place->media->codecs[i] == one)
            place->media->codecs[i].feedback |= bit;
    return OK;
}

bool sdp_named(struct bytes text, const char *const *names, unsigned count, unsigned *out)
{
    for (unsigned i = 0; i < count; i++)
        if (bytes_equal_str(text, names[i])) {
            *out = i;
            return true;
        }
    return false;
}

static bool direction_named(struct bytes text, enum sdp_direction *out)
{
    static const char *const names[] = {
        [SDP_SENDRECV] = "sendrecv",
        [SDP_SENDONLY] = "sendonly",
        [SDP_RECVONLY] = "recvonly",
        [SDP_INACTIVE] = "inactive",
    };
    unsigned which;
    if (!sdp_named(text, names, sizeof names / sizeof *names, &which))
        return false;
    *out = (enum sdp_direction)which;
    return true;
}

static int take_direction(struct sdp_place *place, struct bytes value)
{
    (void)value;
    direction_named(bytes_str(place->name), &place->media->direction);
    return OK;
}

static int take_extmap(struct sdp_place *place, struct bytes value)
{
    struct sdp_media *m = place->media;
    struct bytes direction, id = str_split(sdp_word(&value), '/', &direction);
    struct sdp_extmap map = { .uri = sdp_word(&value) };
    uint64_t number;
    if (!str_to_u64(id, 65535, &number) || number == 0 || map.uri.len == 0)
        return malformed(place, "not an id and a URI");
    map.has_direction = direction.len > 0;
    if (map.has_direction && !direction_named(direction, &map.direction))
        return malformed(place, "no such direction");
    if (number > 255)
        return OK; /* ids above are placeholders for renegotiation (RFC 8285, 5) */
    if (m->extmap_count == SDP_MAX_EXTMAPS)
        return too_many(place);
    map.id = (uint16_t)number;
    m->extmaps[m->extmap_count++] = map;
    return OK;
}

static int take_mid(struct sdp_place *place, struct bytes value)
{
    if (!sdp_is_token(value))
        return malformed(place, "not a token");
    if (value.len > SDP_MAX_MID)
        return sdp_refuse(place, ERR_LIMIT, "too long");
    for (size_t i = 0; i < place->sdp->media_count; i++)
        if (&place->sdp->media[i] != place->media && bytes_equal(place->sdp->media[i].mid, value))
            return malformed(place, "given twice");
    place->media->mid = value;
    return OK;
}

static int take_group(struct sdp_place *place, struct bytes value)
{
    struct sdp *sdp = place->sdp;
    if (!bytes_equal_str(sdp_word(&value), "BUNDLE"))
        return OK;
    if (sdp->group_count == SDP_MAX_GROUPS)
        return too_many(place);
    sdp->groups[sdp->group_count++] = str_trim(value);
    return OK;
}

static int take_ice_lite(struct sdp_place *place, struct bytes value)
{
    (void)value;
    place->sdp->ice_lite = true;
    return OK;
}

static int take_rtcp_mux(struct sdp_place *place, struct bytes value)
{
    (void)value;
    place->media->rtcp_mux = true;
    return OK;
}

static int take_rtcp_rsize(struct sdp_place *place, struct bytes value)
{
    (void)value;
    place->media->rtcp_rsize = true;
    return OK;
}

static int take_bundle_only(struct sdp_place *place, struct bytes value)
{
    (void)value;
    place->media->bundle_only = true;
    return OK;
}

static struct sdp_ssrc *ssrc_named(struct sdp_media *m, uint32_t number)
{
    for (size_t i = 0; i < m->ssrc_count; i++)
        if (m->ssrcs[i].ssrc == number)
            return &m->ssrcs[i];
    if (m->ssrc_count == SDP_MAX_SSRCS)
        return NULL;
    struct sdp_ssrc *s = &m->ssrcs[m->ssrc_count++];
    *s = (struct sdp_ssrc){ .ssrc = number };
    return s;
}

static int take_ssrc(struct sdp_place *place, struct bytes value)
{
    uint64_t number;
    if (!str_to_u64(sdp_word(&value), UINT32_MAX, &number))
        return malformed(place, "not a number");
    struct sdp_ssrc *s = ssrc_named(place->media, (uint32_t)number);
    if (!s)
        return too_many(place);
    value = str_trim(value);
    if (str_starts(value, "cname:"))
        s->cname = bytes_of(value.ptr + 6, value.len - 6);
    return OK;
}

static int take_ssrc_group(struct sdp_place *place, struct bytes value)
{
    struct bytes meaning = sdp_word(&value);
    if (!bytes_equal_str(meaning, "FID") && !bytes_equal_str(meaning, "FEC-FR"))
        return OK;
    sdp_word(&value); /* the stream itself */
    for (struct bytes word; (word = sdp_word(&value)).len > 0;) {
        uint64_t number;
        if (!str_to_u64(word, UINT32_MAX, &number))
            return malformed(place, "not a number");
        struct sdp_ssrc *s = ssrc_named(place->media, (uint32_t)number);
        if (!s)
            return too_many(place);
        s->repair = true;
    }
    return OK;
}

static int take_rid(struct sdp_place *place, struct bytes value)
{
    struct sdp_media *m = place->media;
    struct sdp_rid rid = { .id = sdp_word(&value) };
    struct bytes direction = sdp_word(&value);
    rid.send = bytes_equal_str(direction, "send");
    if (!sdp_is_token(rid.id) || (!rid.send && !bytes_equal_str(direction, "recv")))
        return malformed(place, "not an id and a direction");
    if (m->rid_count == SDP_MAX_RIDS)
        return too_many(place);
    m->rids[m->rid_count++] = rid;
    return OK;
}

static int take_simulcast(struct sdp_place *place, struct bytes value)
{
    for (struct bytes word; (word = sdp_word(&value)).len > 0;) {
        struct bytes list = sdp_word(&value);
        if (list.len == 0 || (!bytes_equal_str(word, "send") && !bytes_equal_str(word, "recv")))
            return malformed(place, "not send or recv with a list");
        if (bytes_equal_str(word, "send"))
            place->media->simulcast_send = list;
        else
            place->media->simulcast_recv = list;
    }
    return OK;
}

static int take_msid(struct sdp_place *place, struct bytes value)
{
    place->media->msid = value;
    return OK;
}

static const struct {
    const char *name;
    int (*take)(struct sdp_place *place, struct bytes value);
    enum { SESSION = 1, MEDIA = 2, BOTH = 3 } level;
} attributes[] = {
    { "rtpmap", take_rtpmap, MEDIA },
    { "fmtp", take_fmtp, MEDIA },
    { "rtcp-fb", take_rtcp_fb, MEDIA },
    { "extmap", take_extmap, BOTH },
    { "candidate", sdp_take_candidate, BOTH },
    { "end-of-candidates", sdp_take_end_of_candidates, BOTH },
    { "ssrc", take_ssrc, MEDIA },
    { "ssrc-group", take_ssrc_group, MEDIA },
    { "mid", take_mid, MEDIA },
    { "msid", take_msid, MEDIA },
    { "sendrecv", take_direction, BOTH },
    { "sendonly", take_direction, BOTH },
    { "recvonly", take_direction, BOTH },
    { "inactive", take_direction, BOTH },
    { "ice-ufrag", sdp_take_ufrag, BOTH },
    { "ice-pwd", sdp_take_pwd, BOTH },
    { "ice-options", sdp_take_ice_options, BOTH },
    { "ice-lite", take_ice_lite, SESSION },
    { "fingerprint", sdp_take_fingerprint, BOTH },
    { "setup", sdp_take_setup, BOTH },
    { "rtcp-mux", take_rtcp_mux, MEDIA },
    { "rtcp-rsize", take_rtcp_rsize, MEDIA },
    { "bundle-only", take_bundle_only, MEDIA },
    { "rid", take_rid, MEDIA },
    { "simulcast", take_simulcast, MEDIA },
    { "group", take_group, SESSION },
};

int sdp_attribute(struct sdp_place *place, struct bytes line)
{
    struct bytes value, name = str_split(line, ':', &value);
    int level = place->media == &place->sdp->session ? SESSION : MEDIA;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (!(attributes[i].level & level) || !bytes_equal_str(name, attributes[i].name))
            continue;
        place->name = attributes[i].name;
        return attributes[i].take(place, value);
    }
    return OK;
}
