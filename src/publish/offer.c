#include "publish/offer.h"

#include <stdio.h>

#include "base/err.h"

static const char *const kinds[] = { [MEDIA_AUDIO] = "audio", [MEDIA_VIDEO] = "video" };

static void put_codec(const struct offer *o, struct sdp_media *m, enum media_kind kind,
                      char fmtp[80])
{
    struct sdp_codec *c = &m->codecs[m->codec_count++];
    if (kind == MEDIA_AUDIO) {
        *c = (struct sdp_codec){ .payload_type = OFFER_OPUS, .channels = 2, .clock = 48000 };
        c->name = bytes_str("opus");
        snprintf(fmtp, 80, "minptime=10;useinbandfec=1");
        c->feedback = SDP_FB_NACK;
    } else {
        *c = (struct sdp_codec){ .payload_type = OFFER_H264, .channels = 1, .clock = 90000 };
        c->name = bytes_str("H264");
        snprintf(fmtp, 80, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=%s",
                 o->profile);
        c->feedback = SDP_FB_NACK | SDP_FB_NACK_PLI | SDP_FB_CCM_FIR;
    }
    c->fmtp = bytes_str(fmtp);
}

static void put_section(const struct offer *o, struct sdp *sdp, enum media_kind kind, char fmtp[80])
{
    struct sdp_media *m = &sdp->media[sdp->media_count++];
    m->kind = m->mid = bytes_str(kinds[kind]);
    m->port = 9;
    m->protocol = bytes_str("UDP/TLS/RTP/SAVPF");
    m->formats = bytes_str(kind == MEDIA_AUDIO ? "111" : "96");
    m->address = bytes_str("IP4 0.0.0.0");
    m->direction = SDP_SENDONLY;
    m->ufrag = bytes_str(o->ice.ufrag);
    m->pwd = bytes_str(o->ice.pwd);
    m->setup = SDP_SETUP_ACTPASS;
    m->fingerprints[m->fingerprint_count++] =
        (struct sdp_fingerprint){ bytes_str("sha-256"), bytes_str(o->fingerprint) };
    m->rtcp_mux = m->rtcp_rsize = true;
    put_codec(o, m, kind, fmtp);
    m->ssrcs[m->ssrc_count++] =
        (struct sdp_ssrc){ .ssrc = o->ssrc[kind], .cname = bytes_str(o->cname) };
}

int offer_print(const struct offer *o, struct buf *out)
{
    char fmtp[2][80];
    struct sdp *sdp = sdp_new();
    if (!sdp)
        return ERR_NOMEM;
    sdp->session_id = o->session_id & INT64_MAX;
    sdp->session_version = 1;
    sdp->groups[sdp->group_count++] =
        bytes_str(o->send[0] && o->send[1] ? "audio video" : kinds[o->send[MEDIA_VIDEO]]);
    for (int kind = 0; kind < 2; kind++)
        if (o->send[kind])
            put_section(o, sdp, (enum media_kind)kind, fmtp[kind]);
    sdp_print(sdp, out);
    sdp_free(sdp);
    return out->err;
}

static int refuse(struct sdp_why *why, int err, const char *what)
{
    snprintf(why->text, sizeof why->text, "%s", what);
    return err;
}

static int check_section(const struct sdp_media *m, enum media_kind kind, struct sdp_why *why)
{
    uint8_t type = kind == MEDIA_AUDIO ? OFFER_OPUS : OFFER_H264;
    if (!bytes_equal_str(m->kind, kinds[kind]))
        return refuse(why, ERR_MALFORMED, "the answer's sections are not the offer's");
    if (!m->port || m->direction == SDP_INACTIVE || m->direction == SDP_SENDONLY ||
        !sdp_codec_of(m, type))
        return refuse(why, ERR_UNSUPPORTED,
                      kind == MEDIA_AUDIO ? "the server does not take Opus"
                                          : "the server does not take H.264");
    return OK;
}

static int check_sections(const struct sdp *sdp, const struct offer *offer, struct sdp_why *why)
{
    size_t section = 0;
    int err = OK;
    for (int kind = 0; kind < 2 && !err; kind++) {
        if (!offer->send[kind])
            continue;
        if (section == sdp->media_count)
            return refuse(why, ERR_MALFORMED, "a section is missing in the answer");
        err = check_section(&sdp->media[section++], (enum media_kind)kind, why);
    }
    return err;
}

static int take_fingerprint(const struct sdp_media *m, struct answer *out, struct sdp_why *why)
{
    for (size_t i = 0; i < m->fingerprint_count; i++)
        if (!dtls_fingerprint_parse(&out->fingerprint, m->fingerprints[i].algorithm,
                                    m->fingerprints[i].value))
            return OK;
    return refuse(why, ERR_UNSUPPORTED, "no fingerprint that we know in the answer");
}

static int take_candidates(const struct sdp_media *m, struct answer *out, struct sdp_why *why)
{
    for (size_t i = 0; i < m->candidate_count && out->candidate_count < ANSWER_MAX_CANDIDATES; i++)
        if (m->candidates[i].addr.family == m->candidates[0].addr.family) {
            out->candidates[out->candidate_count].addr = m->candidates[i].addr;
            out->candidates[out->candidate_count++].priority = m->candidates[i].priority;
        }
    return out->candidate_count ? OK : refuse(why, ERR_UNSUPPORTED, "no candidate in the answer");
}

static int take_transport(const struct sdp_media *m, struct answer *out, struct sdp_why *why)
{
    if (ice_side_set(&out->ice, m->ufrag, m->pwd))
        return refuse(why, ERR_MALFORMED, "no ICE credentials in the answer");
    if (m->setup == SDP_SETUP_ACTIVE)
        return refuse(why, ERR_UNSUPPORTED, "the server wants to be DTLS client");
    int err = take_fingerprint(m, out, why);
    return err ? err : take_candidates(m, out, why);
}

int answer_read(struct bytes text, const struct offer *offer, struct sdp_why *why,
                struct answer *out)
{
    struct sdp *sdp;
    struct answer answer = { 0 };
    int err = sdp_parse(text, why, &sdp);
    if (err)
        return err;
    err = check_sections(sdp, offer, why);
    if (!err)
        err = take_transport(&sdp->media[0], &answer, why);
    sdp_free(sdp);
    if (!err)
        *out = answer;
    return err;
}
