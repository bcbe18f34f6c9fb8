#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "session/negotiation.h"

/* DESIGN: the answer is built as a struct sdp, section by section as the offer has them, and
 * printed at the end. Its slices point into the offer, the negotiated and local values, and a pool
 * for what is put together here. */

#define POOL_SIZE 4096

struct answer {
    const struct sdp *offer;
    const struct negotiated *n;
    const struct negotiation_local *local;
    struct sdp *sdp;
    char pool[POOL_SIZE];
    size_t used;
    bool overflow;
};

static struct bytes text(struct answer *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A text that lives as long as the answer. */
static struct bytes text(struct answer *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(a->pool + a->used, POOL_SIZE - a->used, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= POOL_SIZE - a->used) {
        a->overflow = true;
        return bytes_of(NULL, 0);
    }
    struct bytes b = bytes_of(a->pool + a->used, (size_t)len);
    a->used += (size_t)len;
    return b;
}

static struct bytes opus_fmtp(struct answer *a, const struct negotiated_media *n)
{
    return text(a, "minptime=10;useinbandfec=1%s", n->stereo ? ";stereo=1" : "");
}

/* Profile, level and mode as offered (RFC 6184, 8.2.2). */
static struct bytes h264_fmtp(struct answer *a, const struct negotiated_media *n,
                              const struct sdp_codec *offered)
{
    struct bytes asymmetry;
    bool allowed = sdp_fmtp(offered->fmtp, "level-asymmetry-allowed", &asymmetry) &&
                   bytes_equal_str(asymmetry, "1");
    char profile[32] = "";
    if (n->has_profile)
        snprintf(profile, sizeof profile, ";profile-level-id=%06" PRIx32, n->profile_level_id);
    return text(a, "%spacketization-mode=%u%s", allowed ? "level-asymmetry-allowed=1;" : "",
                n->packetization_mode, profile);
}

static void put_codec(struct answer *a, struct sdp_media *m, const struct negotiated_media *n)
{
    const struct sdp_codec *offered = sdp_codec_of(&a->offer->media[n->section], n->payload_type);
    struct sdp_codec c = *offered;
    c.feedback = 0;
    c.feedback |= n->nack ? SDP_FB_NACK : 0;
    c.feedback |= n->pli ? SDP_FB_NACK_PLI : 0;
    c.feedback |= n->fir ? SDP_FB_CCM_FIR : 0;
    c.feedback |= n->transport_cc ? SDP_FB_TRANSPORT_CC : 0;
    c.fmtp = n->codec == CODEC_OPUS ? opus_fmtp(a, n) : h264_fmtp(a, n, offered);
    m->codecs[m->codec_count++] = c;
    m->formats = text(a, "%u", n->payload_type);
}

/* What the offerer only sends is only received here. */
static void put_extension(struct answer *a, struct sdp_media *m, const struct negotiated_media *n,
                          uint8_t id)
{
    const struct sdp_media *offered = &a->offer->media[n->section];
    for (size_t i = 0; id && i < offered->extmap_count; i++) {
        struct sdp_extmap map = offered->extmaps[i];
        if (map.id != id)
            continue;
        map.has_direction = map.has_direction && map.direction == SDP_SENDONLY;
        map.direction = SDP_RECVONLY;
        m->extmaps[m->extmap_count++] = map;
        return;
    }
}

static void put_simulcast(struct answer *a, struct sdp_media *m, const struct negotiated_media *n)
{
    char list[SDP_MAX_RIDS * (SDP_MAX_MID + 2)] = "";
    for (size_t i = 0; i < n->rid_count; i++) {
        m->rids[m->rid_count++] = (struct sdp_rid){ .id = bytes_str(n->rids[i]) };
        strcat(strcat(list, i ? ";" : ""), n->rids[i]);
    }
    m->simulcast_recv = text(a, "%s", list);
}

static void put_transport(struct answer *a, struct sdp_media *m)
{
    const struct sdp_media *offered = &a->offer->media[a->n->media[0].section];
    struct bytes options = offered->ice_options, rest;
    m->ufrag = bytes_str(a->local->ufrag);
    m->pwd = bytes_str(a->local->pwd);
    while (options.len)
        if (bytes_equal_str(str_split(str_trim(options), ' ', &options), "trickle"))
            m->ice_options = bytes_str("trickle");
    m->setup = SDP_SETUP_PASSIVE;
    struct bytes algorithm = str_split(bytes_str(a->local->fingerprint), ' ', &rest);
    m->fingerprints[m->fingerprint_count++] = (struct sdp_fingerprint){ algorithm, rest };
}

/* Host candidates in the order given (RFC 8445, 5.1.2.1); only in the section that carries the
 * transport. */
static void put_candidates(struct answer *a, struct sdp_media *m)
{
    for (size_t i = 0; i < a->local->candidate_count; i++)
        m->candidates[m->candidate_count++] = (struct sdp_candidate){
            .foundation = text(a, "%zu", i + 1),
            .priority = 126u << 24 | (65535u - (uint32_t)i) << 8 | 255u,
            .addr = a->local->candidates[i],
            .type = SDP_HOST,
        };
    m->end_of_candidates = true;
}

/* The default destination, which must be one of the candidates (RFC 8839, 4.2.1.2). */
static void put_destination(struct answer *a, struct sdp_media *m)
{
    struct addr addr = a->local->candidates[0];
    char ip[ADDR_TEXT_SIZE];
    m->port = addr.port;
    m->address = text(a, "%s %s", addr.family == AF_INET6 ? "IP6" : "IP4", addr_ip_text(addr, ip));
}

static void accept_section(struct answer *a, struct sdp_media *m, const struct negotiated_media *n)
{
    put_destination(a, m);
    put_transport(a, m);
    put_codec(a, m, n);
    put_extension(a, m, n, n->ext_mid);
    put_extension(a, m, n, n->ext_rid);
    put_extension(a, m, n, n->ext_transport_cc);
    if (n->rid_count)
        put_simulcast(a, m, n);
    if (n == &a->n->media[0])
        put_candidates(a, m);
    m->direction = SDP_RECVONLY;
    m->rtcp_mux = true;
    m->rtcp_rsize = n->rtcp_rsize;
}

static void reject_section(struct sdp_media *m, const struct sdp_media *offered)
{
    m->port = 0;
    m->formats = offered->formats;
    m->address = bytes_str("IP4 0.0.0.0");
    m->direction = SDP_INACTIVE;
}

static void put_section(struct answer *a, size_t index)
{
    const struct sdp_media *offered = &a->offer->media[index];
    struct sdp_media *m = &a->sdp->media[a->sdp->media_count++];
    m->kind = offered->kind;
    m->protocol = offered->protocol;
    m->mid = offered->mid;
    for (size_t i = 0; i < a->n->media_count; i++)
        if (a->n->media[i].section == index) {
            accept_section(a, m, &a->n->media[i]);
            return;
        }
    reject_section(m, offered);
}

static void put_group(struct answer *a)
{
    const struct negotiated *n = a->n;
    if (a->offer->media[n->media[0].section].group < 0)
        return;
    const char *second = n->media_count > 1 ? n->media[1].mid : "";
    a->sdp->groups[a->sdp->group_count++] =
        text(a, "%s%s%s", n->media[0].mid, *second ? " " : "", second);
}

static void build(struct answer *a)
{
    a->sdp->session_id = a->local->sdp_session_id & INT64_MAX;
    a->sdp->session_version = 1;
    a->sdp->ice_lite = true;
    put_group(a);
    for (size_t i = 0; i < a->offer->media_count; i++)
        put_section(a, i);
}

int negotiation_answer(const struct sdp *offer, const struct negotiated *n,
                       const struct negotiation_local *local, struct buf *out)
{
    struct answer *a = calloc(1, sizeof *a);
    int err = ERR_NOMEM;
    if (a && (a->sdp = sdp_new())) {
        a->offer = offer;
        a->n = n;
        a->local = local;
        build(a);
        if (!a->overflow)
            sdp_print(a->sdp, out);
        err = a->overflow ? ERR_LIMIT : out->err;
    }
    if (a)
        sdp_free(a->sdp);
    free(a);
    return err;
}
