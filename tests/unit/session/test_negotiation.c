/* Offers in the manner of the publishers we know, with the answers they must get, as text in sdp/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "session/negotiation.h"

#define FINGERPRINT                                                                                \
    "sha-256 "                                                                                     \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:"      \
    "1D:1E:1F"

static struct negotiation_local local_end(void)
{
    struct negotiation_local l = { .ufrag = "localufrag",
                                   .pwd = "localpasswordlocalpassword",
                                   .fingerprint = FINGERPRINT,
                                   .candidate_count = 2,
                                   .sdp_session_id = UINT64_MAX };
    addr_parse(&l.candidates[0], "198.51.100.7", 9000);
    addr_parse(&l.candidates[1], "2001:db8::7", 9000);
    return l;
}

/* A file beside this one, its lines ended by CRLF. Tests run where the compiler ran, so __FILE__ is
 * right. */
static void read_lines(const char *name, const char *kind, struct buf *out)
{
    char path[512];
    snprintf(path, sizeof path, "%.*s/sdp/%s.%s", (int)(strrchr(__FILE__, '/') - __FILE__),
             __FILE__, name, kind);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("cannot open %s", path);
    char line[1024];
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        buf_printf(out, "%s\r\n", line);
    }
    fclose(f);
}

struct parsed {
    struct buf text;
    struct sdp *sdp;
};

static void load(struct parsed *p, const char *name)
{
    struct sdp_why why;
    buf_init(&p->text, SDP_MAX_SIZE);
    read_lines(name, "offer", &p->text);
    if (sdp_parse(buf_bytes(&p->text), &why, &p->sdp))
        fail_msg("%s: %s", name, why.text);
}

static void unload(struct parsed *p)
{
    sdp_free(p->sdp);
    buf_fini(&p->text);
}

static const struct {
    const char *offer, *answer;
    bool simulcast;
} pairs[] = {
    { "chromium", "chromium", false },
    { "firefox", "firefox", false },
    { "obs", "obs", true },
    { "obs_simulcast", "obs_simulcast", true },
    { "obs_simulcast", "obs_single", false },
    { "gstreamer", "gstreamer", false },
    { "audio_alone", "audio_alone", false },
    { "crowd", "crowd", false },
};

static void offers_and_their_answers(void **state)
{
    (void)state;
    struct negotiation_local local = local_end();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct parsed offer;
        struct sdp_why why;
        struct negotiated n;
        struct buf got, want;
        buf_init(&got, SDP_MAX_SIZE);
        buf_init(&want, SDP_MAX_SIZE);
        load(&offer, pairs[i].offer);
        if (negotiate(offer.sdp, pairs[i].simulcast, &why, &n))
            fail_msg("%s: %s", pairs[i].offer, why.text);
        assert_int_equal(negotiation_answer(offer.sdp, &n, &local, &got), OK);
        read_lines(pairs[i].answer, "answer", &want);
        assert_string_equal(buf_str(&got), buf_str(&want));

        struct sdp *answer;
        assert_int_equal(sdp_parse(buf_bytes(&got), &why, &answer), OK);
        assert_int_equal(answer->media_count, offer.sdp->media_count);
        sdp_free(answer);
        buf_fini(&got);
        buf_fini(&want);
        unload(&offer);
    }
}

static void what_chromium_sends(void **state)
{
    (void)state;
    struct parsed offer;
    struct sdp_why why;
    struct negotiated n;
    load(&offer, "chromium");
    assert_int_equal(negotiate(offer.sdp, false, &why, &n), OK);
    unload(&offer); /* nothing negotiated points into it */

    assert_string_equal(n.ufrag, "Chr1");
    assert_string_equal(n.pwd, "chromiumchromiumchromium");
    assert_string_equal(n.fingerprint_algorithm, "sha-256");
    assert_int_equal(n.fingerprint_size, 32);
    assert_int_equal(n.fingerprint[0], 0x11);
    assert_int_equal(n.fingerprint[9], 0xaa);
    assert_int_equal(n.candidate_count, 0);
    assert_int_equal(n.media_count, 2);

    const struct negotiated_media *a = negotiated_of(&n, MEDIA_AUDIO),
                                  *v = negotiated_of(&n, MEDIA_VIDEO);
    assert_string_equal(a->mid, "0");
    assert_int_equal(a->codec, CODEC_OPUS);
    assert_int_equal(a->payload_type, 111);
    assert_int_equal(a->clock, 48000);
    assert_int_equal(a->channels, 2);
    assert_false(a->stereo);
    assert_int_equal(a->ext_mid, 4);
    assert_int_equal(a->ext_transport_cc, 3);
    assert_int_equal(a->ext_rid, 0);
    assert_true(a->transport_cc && !a->nack && !a->pli);
    assert_int_equal(a->ssrc_count, 1);
    assert_int_equal(a->ssrcs[0], 1001);
    assert_string_equal(a->cname, "chr-cname");

    assert_int_equal(v->section, 1);
    assert_int_equal(v->codec, CODEC_H264);
    assert_int_equal(v->payload_type, 103);
    assert_int_equal(v->clock, 90000);
    assert_int_equal(v->packetization_mode, 1);
    assert_true(v->has_profile);
    assert_int_equal(v->profile_level_id, 0x42001f);
    assert_true(v->transport_cc && v->nack && v->pli && v->fir && v->rtcp_rsize);
    assert_int_equal(v->ssrc_count, 1); /* the second one is retransmission */
    assert_int_equal(v->ssrcs[0], 2001);
    assert_int_equal(v->rid_count, 0);
}

static void what_others_send(void **state)
{
    (void)state;
    struct parsed offer;
    struct sdp_why why;
    struct negotiated n;
    char text[ADDR_TEXT_SIZE];

    load(&offer, "firefox");
    assert_int_equal(negotiate(offer.sdp, false, &why, &n), OK);
    unload(&offer);
    assert_int_equal(n.candidate_count, 2); /* neither TCP, RTCP's nor mDNS */
    assert_string_equal(addr_text(n.candidates[0].addr, text), "192.0.2.17:50111");
    assert_int_equal(n.candidates[0].priority, 2122187007);
    assert_string_equal(addr_text(n.candidates[1].addr, text), "203.0.113.5:61001");
    assert_true(negotiated_of(&n, MEDIA_AUDIO)->stereo);
    assert_int_equal(negotiated_of(&n, MEDIA_VIDEO)->payload_type, 126);
    assert_int_equal(negotiated_of(&n, MEDIA_VIDEO)->ext_transport_cc, 7);
    assert_int_equal(negotiated_of(&n, MEDIA_VIDEO)->section, 2);

    load(&offer, "gstreamer");
    assert_int_equal(negotiate(offer.sdp, false, &why, &n), OK);
    unload(&offer);
    assert_string_equal(n.ufrag, "gst+ufrag/gst");
    assert_int_equal(n.media[0].kind, MEDIA_VIDEO);
    assert_int_equal(n.media[0].profile_level_id, 0x640028);
    assert_string_equal(n.media[1].mid, "audio1");

    load(&offer, "obs_simulcast");
    assert_int_equal(negotiate(offer.sdp, true, &why, &n), OK);
    unload(&offer);
    const struct negotiated_media *v = negotiated_of(&n, MEDIA_VIDEO);
    assert_int_equal(v->rid_count, 3);
    assert_string_equal(v->rids[0], "2");
    assert_string_equal(v->rids[1], "1");
    assert_string_equal(v->rids[2], "0");
    assert_int_equal(v->ext_rid, 2);
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define ICE  "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
#define FP                                                                                         \
    "a=fingerprint:sha-256 "                                                                       \
    "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"                  \
    "AA:BB:CC:DD:EE:FF:00\r\n"
#define ACTPASS "a=setup:actpass\r\n"
#define OPUS    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
#define H264    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\n"
#define MUX     "a=rtcp-mux\r\n"

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *offer;
        int want;
        const char *why;
    } rows[] = {
        { HEAD ICE FP ACTPASS OPUS MUX, OK, "" },
        { HEAD ICE FP ACTPASS H264 MUX, OK, "" },
        { HEAD ICE FP "a=setup:active\r\n" OPUS MUX, OK, "" },
        { HEAD ICE FP ACTPASS, ERR_MALFORMED, "no m= section" },
        { HEAD ICE FP ACTPASS OPUS, ERR_UNSUPPORTED, "a section without rtcp-mux" },
        { HEAD ICE FP "a=setup:passive\r\n" OPUS MUX, ERR_UNSUPPORTED,
          "setup:passive, but this end is passive" },
        { HEAD ICE FP OPUS MUX, ERR_MALFORMED, "no setup attribute" },
        { HEAD FP ACTPASS OPUS MUX, ERR_MALFORMED, "no ice-ufrag or ice-pwd" },
        { HEAD ICE ACTPASS OPUS MUX, ERR_MALFORMED, "no fingerprint" },
        { HEAD ICE ACTPASS OPUS MUX "a=fingerprint:sha-1 11:22\r\n", ERR_UNSUPPORTED,
          "no fingerprint with sha-256, sha-384 or sha-512" },
        { HEAD "a=ice-lite\r\n" ICE FP ACTPASS OPUS MUX, ERR_UNSUPPORTED,
          "the offer is ICE-lite, and so is this end" },
        { HEAD ICE FP ACTPASS OPUS MUX "a=recvonly\r\n", ERR_UNSUPPORTED,
          "no audio or video section that sends over DTLS" },
        { HEAD ICE FP ACTPASS "m=audio 9 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n" MUX,
          ERR_UNSUPPORTED, "no audio or video section that sends over DTLS" },
        { HEAD ICE FP ACTPASS "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n" MUX,
          ERR_UNSUPPORTED, "no common codec: needed is Opus or H.264" },
        { HEAD ICE FP ACTPASS H264 "a=fmtp:96 packetization-mode=2\r\n" MUX, ERR_UNSUPPORTED,
          "no common codec: needed is Opus or H.264" },
        { HEAD ICE FP ACTPASS "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" MUX, ERR_UNSUPPORTED,
          "no common codec: needed is Opus or H.264" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sdp_why why = { "" };
        struct sdp *offer;
        struct negotiated n;
        if (sdp_parse(bytes_str(rows[i].offer), &why, &offer))
            fail_msg("row %zu: %s", i, why.text);
        assert_int_equal(negotiate(offer, false, &why, &n), rows[i].want);
        assert_string_equal(why.text, rows[i].why);
        sdp_free(offer);
    }
}

/* A client may leave out what a bundle-only section inherits from the first one of its group (RFC
 * 9143). */
static void transport_of_a_rejected_first_section(void **state)
{
    (void)state;
    static const char text[] = HEAD
        "a=group:BUNDLE d v\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n" ICE
            FP ACTPASS "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=mid:v\r\na=rtpmap:96 "
        "H264/90000\r\n" MUX;
    struct sdp_why why;
    struct sdp *offer;
    struct negotiated n;
    assert_int_equal(sdp_parse(bytes_str(text), &why, &offer), OK);
    assert_int_equal(negotiate(offer, false, &why, &n), OK);
    assert_string_equal(n.ufrag, "abcd");
    assert_int_equal(n.media[0].section, 1);
    sdp_free(offer);
}

static void candidates_of_a_fragment(void **state)
{
    (void)state;
    static const char text[] =
        ICE "a=candidate:1 1 udp 5 192.0.2.1 5000 typ host\r\n"
            "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
            "a=candidate:1 1 udp 5 192.0.2.1 5000 typ host\r\n"
            "a=candidate:2 1 udp 4 2001:db8::1 5001 typ host\r\n"
            "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n"
            "a=candidate:3 1 udp 3 192.0.2.1 5002 typ host\r\na=end-of-candidates\r\n";
    struct sdp_why why;
    struct sdp *fragment;
    struct negotiated_candidate c[3];
    assert_int_equal(sdp_parse_fragment(bytes_str(text), &why, &fragment), OK);
    assert_int_equal(negotiation_candidates(fragment, c, 3), 3);
    assert_int_equal(c[2].addr.port, 5002);
    assert_int_equal(negotiation_candidates(fragment, c, 2), 2);
    sdp_free(fragment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_and_their_answers),
        cmocka_unit_test(what_chromium_sends),
        cmocka_unit_test(what_others_send),
        cmocka_unit_test(refusals),
        cmocka_unit_test(transport_of_a_rejected_first_section),
        cmocka_unit_test(candidates_of_a_fragment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
