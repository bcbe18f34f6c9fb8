#include "session/negotiation.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

static int refuse(struct sdp_why *why, int err, const char *what)
{
    snprintf(why->text, sizeof why->text, "%s", what);
    return err;
}

const struct negotiated_media *negotiated_of(const struct negotiated *n, enum media_kind kind)
{
    for (size_t i = 0; i < n->media_count; i++)
        if (n->media[i].kind == kind)
            return &n->media[i];
    return NULL;
}

/* ---- codecs ---- */

static bool opus_fits(const struct sdp_codec *c)
{
    return str_equal_nocase(c->name, "opus") && c->clock == 48000 &&
           c->channels == 2; /* RFC 7587, 7 */
}

static uint64_t fmtp_number(const struct sdp_codec *c, const char *name, uint64_t otherwise)
{
    struct bytes text;
    uint64_t number;
    if (!sdp_fmtp(c->fmtp, name, &text))
        return otherwise;
    return str_to_u64(text, UINT32_MAX, &number) ? number : UINT64_MAX;
}

/* Mode 2 interleaves, which nobody in WebRTC does (RFC 7742, 6.2). */
static bool h264_fits(const struct sdp_codec *c)
{
    return str_equal_nocase(c->name, "H264") && c->clock == 90000 &&
           fmtp_number(c, "packetization-mode", 0) <= 1;
}

static bool kind_of(const struct sdp_media *m, enum media_kind *kind)
{
    if (bytes_equal_str(m->kind, "audio"))
        *kind = MEDIA_AUDIO;
    else if (bytes_equal_str(m->kind, "video"))
        *kind = MEDIA_VIDEO;
    else
        return false;
    return true;
}

static const struct sdp_codec *choose_codec(const struct sdp_media *m, enum media_kind kind)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        const struct sdp_codec *c = &m->codecs[i];
        if (kind == MEDIA_AUDIO ? opus_fits(c) : h264_fits(c))
            return c;
    }
    return NULL;
}

static void take_codec(struct negotiated_media *out, const struct sdp_codec *c)
{
    out->codec = out->kind == MEDIA_AUDIO ? CODEC_OPUS : CODEC_H264;
    out->payload_type = c->payload_type;
    out->clock = c->clock;
    out->channels = c->channels;
    out->nack = c->feedback & SDP_FB_NACK;
    out->pli = c->feedback & SDP_FB_NACK_PLI;
    out->fir = c->feedback & SDP_FB_CCM_FIR;
    if (out->kind == MEDIA_AUDIO) {
        out->stereo = fmtp_number(c, "stereo", 0) == 1 || fmtp_number(c, "sprop-stereo", 0) == 1;
        return;
    }
    struct bytes text;
    uint8_t id[3];
    out->packetization_mode = (unsigned)fmtp_number(c, "packetization-mode", 0);
    out->has_profile =
        sdp_fmtp(c->fmtp, "profile-level-id", &text) && hex_decode(id, sizeof id, text);
    if (out->has_profile)
        out->profile_level_id = (uint32_t)id[0] << 16 | (uint32_t)id[1] << 8 | id[2];
}

/* ---- a section ---- */

/* The id of an extension that the offerer sends; 0: not offered. */
static uint8_t ext_id(const struct sdp_media *m, const char *uri)
{
    for (size_t i = 0; i < m->extmap_count; i++) {
        const struct sdp_extmap *map = &m->extmaps[i];
        bool sent =
            !map->has_direction || map->direction == SDP_SENDRECV || map->direction == SDP_SENDONLY;
        if (sent && bytes_equal_str(map->uri, uri))
            return (uint8_t)map->id;
    }
    return 0;
}

static void take_ssrcs(struct negotiated_media *out, const struct sdp_media *m)
{
    for (size_t i = 0; i < m->ssrc_count; i++) {
        const struct sdp_ssrc *s = &m->ssrcs[i];
        if (!s->repair && out->ssrc_count < NEGOTIATED_MAX_SSRCS)
            out->ssrcs[out->ssrc_count++] = s->ssrc;
        if (!out->cname[0])
            snprintf(out->cname, sizeof out->cname, "%.*s", (int)s->cname.len,
                     (const char *)s->cname.ptr);
    }
}

static bool rid_offered(const struct sdp_media *m, struct bytes id)
{
    for (size_t i = 0; i < m->rid_count; i++)
        if (m->rids[i].send && bytes_equal(m->rids[i].id, id))
            return true;
    return false;
}

/* "h;m,m2;~l": layers, each with alternatives of which we take the first; '~' starts paused (RFC
 * 8853, 5.1). */
static void take_rids(struct negotiated_media *out, const struct sdp_media *m)
{
    struct bytes list = m->simulcast_send, others;
    while (list.len && out->rid_count < SDP_MAX_RIDS) {
        struct bytes id = str_split(str_split(list, ';', &list), ',', &others);
        if (id.len && id.ptr[0] == '~')
            id = bytes_of(id.ptr + 1, id.len - 1);
        if (rid_offered(m, id) && str_copy(out->rids[out->rid_count], sizeof out->rids[0], id))
            out->rid_count++;
    }
    if (out->rid_count < 2)
        out->rid_count = 0;
}

static void take_section(struct negotiated_media *out, const struct sdp_media *m,
                         const struct sdp_codec *c, bool simulcast)
{
    str_copy(out->mid, sizeof out->mid, m->mid);
    take_codec(out, c);
    out->rtcp_rsize = m->rtcp_rsize;
    out->ext_mid = m->mid.len ? ext_id(m, EXT_MID) : 0;
    out->ext_transport_cc = c->feedback & SDP_FB_TRANSPORT_CC ? ext_id(m, EXT_TRANSPORT_CC) : 0;
    out->transport_cc = out->ext_transport_cc != 0;
    take_ssrcs(out, m);
    uint8_t rid = ext_id(m, EXT_RID);
    if (simulcast && rid)
        take_rids(out, m);
    out->ext_rid = out->rid_count ? rid : 0;
}

static bool offers_media(const struct sdp_media *m)
{
    bool rejected = m->port == 0 && !m->bundle_only;
    return !rejected && (m->direction == SDP_SENDRECV || m->direction == SDP_SENDONLY);
}

static bool is_dtls(const struct sdp_media *m)
{
    return bytes_equal_str(m->protocol, "UDP/TLS/RTP/SAVPF") ||
           bytes_equal_str(m->protocol, "UDP/TLS/RTP/SAVP") ||
           bytes_equal_str(m->protocol, "RTP/SAVPF"); /* the last from before RFC 5764 was common */
}

/* All accepted sections share the first one's transport. */
static bool same_transport(const struct sdp *offer, const struct negotiated *n,
                           const struct sdp_media *m)
{
    return n->media_count == 0 ||
           (m->group >= 0 && m->group == offer->media[n->media[0].section].group);
}

static int choose_sections(const struct sdp *offer, bool simulcast, struct sdp_why *why,
                           struct negotiated *out)
{
    bool sends = false;
    for (size_t i = 0; i < offer->media_count; i++) {
        const struct sdp_media *m = &offer->media[i];
        enum media_kind kind;
        if (!kind_of(m, &kind) || !offers_media(m) || !is_dtls(m))
            continue;
        sends = true;
        const struct sdp_codec *c = choose_codec(m, kind);
        if (!c || negotiated_of(out, kind) || !same_transport(offer, out, m))
            continue;
        if (!m->rtcp_mux)
            return refuse(why, ERR_UNSUPPORTED, "a section without rtcp-mux");
        struct negotiated_media *n = &out->media[out->media_count++];
        *n = (struct negotiated_media){ .section = (unsigned)i, .kind = kind };
        take_section(n, m, c, simulcast);
    }
    if (!sends)
        return refuse(why, ERR_UNSUPPORTED, "no audio or video section that sends over DTLS");
    if (out->media_count == 0)
        return refuse(why, ERR_UNSUPPORTED, "no common codec: needed is Opus or H.264");
    return OK;
}

/* ---- the transport ---- */

/* The section whose transport attributes count: a bundle-only section may leave them to the first
 * of its group (RFC 9143, 7.1.3). */
static const struct sdp_media *transport_section(const struct sdp *offer,
                                                 const struct negotiated *n)
{
    const struct sdp_media *first = &offer->media[n->media[0].section];
    for (size_t i = 0; i < offer->media_count && !(first->ufrag.len && first->fingerprint_count);
         i++)
        if (first->group >= 0 && offer->media[i].group == first->group && offer->media[i].ufrag.len)
            return &offer->media[i];
    return first;
}

static int take_fingerprint(const struct sdp_media *m, struct sdp_why *why, struct negotiated *out)
{
    for (size_t i = 0; i < m->fingerprint_count; i++) {
        out->fingerprint_size = sdp_fingerprint_digest(&m->fingerprints[i], out->fingerprint);
        if (!out->fingerprint_size)
            continue;
        snprintf(out->fingerprint_algorithm, sizeof out->fingerprint_algorithm, "sha-%zu",
                 out->fingerprint_size * 8);
        return OK;
    }
    return m->fingerprint_count
               ? refuse(why, ERR_UNSUPPORTED, "no fingerprint with sha-256, sha-384 or sha-512")
               : refuse(why, ERR_MALFORMED, "no fingerprint");
}

static int take_transport(const struct sdp *offer, struct sdp_why *why, struct negotiated *out)
{
    const struct sdp_media *m = transport_section(offer, out);
    if (offer->ice_lite)
        return refuse(why, ERR_UNSUPPORTED, "the offer is ICE-lite, and so is this end");
    if (!str_copy(out->ufrag, sizeof out->ufrag, m->ufrag) ||
        !str_copy(out->pwd, sizeof out->pwd, m->pwd) || !m->ufrag.len || !m->pwd.len)
        return refuse(why, ERR_MALFORMED, "no ice-ufrag or ice-pwd");
    if (m->setup == SDP_SETUP_NONE)
        return refuse(why, ERR_MALFORMED, "no setup attribute");
    if (m->setup == SDP_SETUP_PASSIVE)
        return refuse(why, ERR_UNSUPPORTED, "setup:passive, but this end is passive");
    return take_fingerprint(m, why, out);
}

static size_t copy_candidates(const struct sdp_media *m, struct negotiated_candidate *out,
                              size_t count, size_t max)
{
    for (size_t i = 0; i < m->candidate_count; i++) {
        struct negotiated_candidate c = { m->candidates[i].addr, m->candidates[i].priority };
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known = known || addr_equal(out[j].addr, c.addr);
        if (!known && count < max)
            out[count++] = c;
    }
    return count;
}

size_t negotiation_candidates(const struct sdp *sdp, struct negotiated_candidate *out, size_t max)
{
    size_t count = copy_candidates(&sdp->session, out, 0, max);
    for (size_t i = 0; i < sdp->media_count; i++)
        count = copy_candidates(&sdp->media[i], out, count, max);
    return count;
}

int negotiate(const struct sdp *offer, bool simulcast, struct sdp_why *why, struct negotiated *out)
{
    struct negotiated n = { 0 };
    if (offer->media_count == 0)
        return refuse(why, ERR_MALFORMED, "no m= section");
    int err = choose_sections(offer, simulcast, why, &n);
    if (!err)
        err = take_transport(offer, why, &n);
    if (err)
        return err;
    n.candidate_count = negotiation_candidates(offer, n.candidates, NEGOTIATED_MAX_CANDIDATES);
    *out = n;
    return OK;
}
