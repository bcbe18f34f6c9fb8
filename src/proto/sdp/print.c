#include <inttypes.h>

#include "sdp/sdp.h"

#define END "\r\n"

/* "a=name:value", nothing for an empty value. */
static void put_value(struct buf *out, const char *name, struct bytes value)
{
    if (value.len == 0)
        return;
    buf_printf(out, "a=%s:", name);
    buf_put_bytes(out, value);
    buf_put_str(out, END);
}

static void put_flag(struct buf *out, const char *name, bool set)
{
    if (set)
        buf_printf(out, "a=%s" END, name);
}

static const char *direction_text(enum sdp_direction direction)
{
    static const char *const names[] = {
        [SDP_SENDRECV] = "sendrecv",
        [SDP_SENDONLY] = "sendonly",
        [SDP_RECVONLY] = "recvonly",
        [SDP_INACTIVE] = "inactive",
    };
    return names[direction];
}

static void put_feedback(struct buf *out, const struct sdp_codec *c)
{
    static const struct {
        unsigned bit;
        const char *text;
    } known[] = {
        { SDP_FB_TRANSPORT_CC, "transport-cc" },
        { SDP_FB_CCM_FIR, "ccm fir" },
        { SDP_FB_NACK, "nack" },
        { SDP_FB_NACK_PLI, "nack pli" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (c->feedback & known[i].bit)
            buf_printf(out, "a=rtcp-fb:%u %s" END, c->payload_type, known[i].text);
}

static void put_codec(struct buf *out, const struct sdp_codec *c)
{
    if (c->name.len) {
        buf_printf(out, "a=rtpmap:%u ", c->payload_type);
        buf_put_bytes(out, c->name);
        buf_printf(out, "/%" PRIu32, c->clock);
        if (c->channels != 1)
            buf_printf(out, "/%u", c->channels);
        buf_put_str(out, END);
    }
    put_feedback(out, c);
    if (c->fmtp.len) {
        buf_printf(out, "a=fmtp:%u ", c->payload_type);
        buf_put_bytes(out, c->fmtp);
        buf_put_str(out, END);
    }
}

static void put_extmap(struct buf *out, const struct sdp_extmap *map)
{
    buf_printf(out, "a=extmap:%u", map->id);
    if (map->has_direction)
        buf_printf(out, "/%s", direction_text(map->direction));
    buf_put_str(out, " ");
    buf_put_bytes(out, map->uri);
    buf_put_str(out, END);
}

static void put_candidate(struct buf *out, const struct sdp_candidate *c)
{
    static const char *const types[] = {
        [SDP_HOST] = "host",
        [SDP_SRFLX] = "srflx",
        [SDP_PRFLX] = "prflx",
        [SDP_RELAY] = "relay",
    };
    char ip[ADDR_TEXT_SIZE];
    buf_put_str(out, "a=candidate:");
    buf_put_bytes(out, c->foundation);
    buf_printf(out, " 1 udp %" PRIu32 " %s %u typ %s", c->priority, addr_ip_text(c->addr, ip),
               c->addr.port, types[c->type]);
    if (c->type != SDP_HOST) /* the related address is required and of no use to the other end (RFC
                                8839, 5.1) */
        buf_printf(out, " raddr %s rport 9", c->addr.family == AF_INET6 ? "::" : "0.0.0.0");
    buf_put_str(out, END);
}

static void put_ssrc(struct buf *out, const struct sdp_ssrc *s)
{
    if (s->cname.len == 0)
        return;
    buf_printf(out, "a=ssrc:%" PRIu32 " cname:", s->ssrc);
    buf_put_bytes(out, s->cname);
    buf_put_str(out, END);
}

static void put_transport(struct buf *out, const struct sdp_media *m)
{
    static const char *const setups[] = {
        [SDP_SETUP_ACTPASS] = "actpass",
        [SDP_SETUP_ACTIVE] = "active",
        [SDP_SETUP_PASSIVE] = "passive",
    };
    put_value(out, "ice-ufrag", m->ufrag);
    put_value(out, "ice-pwd", m->pwd);
    put_value(out, "ice-options", m->ice_options);
    for (size_t i = 0; i < m->fingerprint_count; i++) {
        buf_put_str(out, "a=fingerprint:");
        buf_put_bytes(out, m->fingerprints[i].algorithm);
        buf_put_str(out, " ");
        buf_put_bytes(out, m->fingerprints[i].value);
        buf_put_str(out, END);
    }
    if (m->setup)
        buf_printf(out, "a=setup:%s" END, setups[m->setup]);
}

static void put_simulcast(struct buf *out, const struct sdp_media *m)
{
    for (size_t i = 0; i < m->rid_count; i++) {
        buf_put_str(out, "a=rid:");
        buf_put_bytes(out, m->rids[i].id);
        buf_put_str(out, m->rids[i].send ? " send" END : " recv" END);
    }
    if (!m->simulcast_send.len && !m->simulcast_recv.len)
        return;
    buf_put_str(out, "a=simulcast:");
    if (m->simulcast_send.len) {
        buf_put_str(out, "send ");
        buf_put_bytes(out, m->simulcast_send);
    }
    if (m->simulcast_recv.len) {
        buf_put_str(out, m->simulcast_send.len ? " recv " : "recv ");
        buf_put_bytes(out, m->simulcast_recv);
    }
    buf_put_str(out, END);
}

static void put_media_line(struct buf *out, const struct sdp_media *m)
{
    buf_put_str(out, "m=");
    buf_put_bytes(out, m->kind);
    buf_printf(out, " %u ", m->port);
    buf_put_bytes(out, m->protocol);
    buf_put_str(out, " ");
    buf_put_bytes(out, m->formats);
    buf_put_str(out, END);
    if (m->address.len) {
        buf_put_str(out, "c=IN ");
        buf_put_bytes(out, m->address);
        buf_put_str(out, END);
    }
}

static void put_media(struct buf *out, const struct sdp_media *m)
{
    put_media_line(out, m);
    put_value(out, "mid", m->mid);
    put_flag(out, "bundle-only", m->bundle_only);
    put_flag(out, direction_text(m->direction), true);
    put_value(out, "msid", m->msid);
    put_transport(out, m);
    put_flag(out, "rtcp-mux", m->rtcp_mux);
    put_flag(out, "rtcp-rsize", m->rtcp_rsize);
    for (size_t i = 0; i < m->codec_count; i++)
        put_codec(out, &m->codecs[i]);
    for (size_t i = 0; i < m->extmap_count; i++)
        put_extmap(out, &m->extmaps[i]);
    for (size_t i = 0; i < m->ssrc_count; i++)
        put_ssrc(out, &m->ssrcs[i]);
    put_simulcast(out, m);
    for (size_t i = 0; i < m->candidate_count; i++)
        put_candidate(out, &m->candidates[i]);
    put_flag(out, "end-of-candidates", m->end_of_candidates);
}

void sdp_print(const struct sdp *sdp, struct buf *out)
{
    buf_put_str(out, "v=0" END);
    buf_printf(out, "o=- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1" END, sdp->session_id,
               sdp->session_version);
    buf_put_str(out, "s=-" END "t=0 0" END);
    put_flag(out, "ice-lite", sdp->ice_lite);
    for (size_t i = 0; i < sdp->group_count; i++) {
        buf_put_str(out, "a=group:BUNDLE ");
        buf_put_bytes(out, sdp->groups[i]);
        buf_put_str(out, END);
    }
    for (size_t i = 0; i < sdp->media_count; i++)
        put_media(out, &sdp->media[i]);
}
