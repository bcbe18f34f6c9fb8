#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "sdp/sdp.h"

#define HEAD "v=0\r\no=- 42 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define DIGEST                                                                                     \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:"   \
    "ee:ff"

static const char offer[] =
    HEAD "a=group:BUNDLE a v\r\n"
         "a=ice-ufrag:sess\r\n"
         "a=ice-pwd:sessionsessionsessionsession\r\n"
         "a=fingerprint:sha-256 " DIGEST "\r\n"
         "a=setup:actpass\r\n"
         "a=recvonly\r\n"
         "a=extmap:1 urn:one\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n"
         "c=IN IP4 0.0.0.0\r\n"
         "a=mid:a\r\n"
         "a=rtpmap:111 opus/48000/2\r\n"
         "a=fmtp:111 minptime=10; useinbandfec=1;stereo\r\n"
         "a=rtcp-fb:111 transport-cc\r\n"
         "a=ssrc:5 cname:me\r\n"
         "a=ssrc:5 msid:s t\r\n"
         "a=msid:s t\r\n"
         "a=rtcp-mux\r\n"
         "m=video 4000/2 UDP/TLS/RTP/SAVPF 96 97\r\n"
         "a=mid:v\r\n"
         "a=bundle-only\r\n"
         "a=sendonly\r\n"
         "a=ice-ufrag:medi\r\n"
         "a=ice-pwd:mediamediamediamediamedia\r\n"
         "a=fingerprint:sha-1 00:11\r\n"
         "a=fingerprint:sha-256 " DIGEST "\r\n"
         "a=setup:active\r\n"
         "a=rtpmap:96 H264/90000\r\n"
         "a=rtpmap:97 rtx/90000\r\n"
         "a=rtcp-fb:* nack\r\n"
         "a=rtcp-fb:96 nack pli\r\n"
         "a=rtcp-fb:96 ccm fir\r\n"
         "a=extmap:7/sendonly urn:seven\r\n"
         "a=extmap:4096 urn:placeholder\r\n"
         "a=rtcp-rsize\r\n"
         "a=ssrc:8 cname:me\r\n"
         "a=ssrc:9 cname:me\r\n"
         "a=ssrc-group:FID 8 9\r\n"
         "a=ssrc-group:SIM 8 10\r\n"
         "a=rid:h send pt=96\r\n"
         "a=rid:l send\r\n"
         "a=simulcast:send h;l recv x\r\n"
         "a=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host generation 0\r\n"
         "a=candidate:2 1 UDP 1694498815 2001:db8::5 4001 typ srflx raddr :: rport 9\r\n"
         "a=candidate:3 1 tcp 1 192.0.2.1 9 typ host tcptype active\r\n"
         "a=candidate:4 2 udp 1 192.0.2.1 4003 typ host\r\n"
         "a=candidate:5 1 udp 1 abc.local 4004 typ host\r\n"
         "a=candidate:\r\n"
         "a=end-of-candidates\r\n"
         "a=x-unknown:1\r\nk=prompt\r\n";

static struct sdp *parse(const char *text)
{
    struct sdp_why why = { "" };
    struct sdp *sdp = NULL;
    if (sdp_parse(bytes_str(text), &why, &sdp))
        fail_msg("%s", why.text);
    return sdp;
}

#define equal(slice, text) assert_true(bytes_equal_str(slice, text))

static void an_offer_in_full(void **state)
{
    (void)state;
    struct sdp *s = parse(offer);
    assert_int_equal(s->session_id, 42);
    assert_int_equal(s->session_version, 3);
    assert_false(s->ice_lite);
    assert_int_equal(s->group_count, 1);
    equal(s->groups[0], "a v");
    assert_int_equal(s->media_count, 2);

    const struct sdp_media *a = &s->media[0], *v = &s->media[1];
    equal(a->kind, "audio");
    equal(a->protocol, "UDP/TLS/RTP/SAVPF");
    equal(a->formats, "111 0");
    equal(a->address, "IP4 0.0.0.0");
    equal(a->ufrag, "sess"); /* the session's */
    assert_int_equal(a->setup, SDP_SETUP_ACTPASS);
    assert_int_equal(a->direction, SDP_RECVONLY);
    assert_int_equal(a->fingerprint_count, 1);
    assert_int_equal(a->extmap_count, 1);
    assert_int_equal(a->group, 0);
    assert_true(a->rtcp_mux && !a->rtcp_rsize && !a->bundle_only);
    assert_int_equal(a->codec_count, 2);
    equal(a->codecs[0].name, "opus");
    assert_int_equal(a->codecs[0].clock, 48000);
    assert_int_equal(a->codecs[0].channels, 2);
    assert_int_equal(a->codecs[0].feedback, SDP_FB_TRANSPORT_CC);
    assert_int_equal(a->codecs[1].clock, 0);
    equal(a->ssrcs[0].cname, "me");
    equal(a->msid, "s t");

    assert_int_equal(v->port, 4000);
    equal(v->ufrag, "medi"); /* its own */
    assert_int_equal(v->setup, SDP_SETUP_ACTIVE);
    assert_int_equal(v->direction, SDP_SENDONLY);
    assert_int_equal(v->fingerprint_count, 2);
    equal(v->fingerprints[0].algorithm, "sha-1");
    assert_int_equal(v->extmap_count, 2);
    assert_int_equal(v->extmaps[1].id, 7);
    assert_true(v->extmaps[1].has_direction && v->extmaps[1].direction == SDP_SENDONLY);
    assert_true(!v->rtcp_mux && v->rtcp_rsize && v->bundle_only);
    assert_int_equal(sdp_codec_of(v, 96)->feedback, SDP_FB_NACK | SDP_FB_NACK_PLI | SDP_FB_CCM_FIR);
    assert_int_equal(sdp_codec_of(v, 97)->feedback, SDP_FB_NACK);
    assert_null(sdp_codec_of(v, 98));
    assert_int_equal(v->ssrc_count, 2);
    assert_false(v->ssrcs[0].repair);
    assert_true(v->ssrcs[1].repair);
    assert_int_equal(v->rid_count, 2);
    equal(v->rids[0].id, "h");
    assert_true(v->rids[0].send);
    equal(v->simulcast_send, "h;l");
    equal(v->simulcast_recv, "x");
    assert_int_equal(v->candidate_count, 2);
    char text[ADDR_TEXT_SIZE];
    assert_string_equal(addr_text(v->candidates[0].addr, text), "192.0.2.1:4000");
    assert_int_equal(v->candidates[0].priority, 2130706431);
    assert_string_equal(addr_text(v->candidates[1].addr, text), "[2001:db8::5]:4001");
    assert_int_equal(v->candidates[1].type, SDP_SRFLX);
    assert_true(v->end_of_candidates);
    sdp_free(s);
}

static void parameters(void **state)
{
    (void)state;
    struct bytes fmtp = bytes_str("minptime=10; useinbandfec = 1;stereo;a=b=c"), v;
    assert_true(sdp_fmtp(fmtp, "minptime", &v));
    equal(v, "10");
    assert_true(sdp_fmtp(fmtp, "UseInbandFec", &v));
    equal(v, "1");
    assert_true(sdp_fmtp(fmtp, "stereo", &v));
    equal(v, "");
    assert_true(sdp_fmtp(fmtp, "a", &v));
    equal(v, "b=c");
    assert_false(sdp_fmtp(fmtp, "time", &v));
    assert_false(sdp_fmtp(bytes_str(""), "a", &v));
}

static void fingerprints(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm, *value;
        size_t want;
    } rows[] = {
        { "sha-256", DIGEST, 32 },
        { "SHA-256", DIGEST, 32 },
        { "sha-512", DIGEST ":" DIGEST, 64 },
        { "sha-384", DIGEST, 0 },
        { "sha-1", DIGEST, 0 },
        { "sha-256", "00:11", 0 },
        { "sha-256", "", 0 },
        { "sha-256", DIGEST ":", 0 },
        { "sha-256",
          "00-11-22-33-44-55-66-77-88-99-AA-BB-CC-DD-EE-FF-00-11-22-33-44-55-66-77-88-99-aa-bb-cc-"
          "dd-ee-ff",
          0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sdp_fingerprint f = { bytes_str(rows[i].algorithm), bytes_str(rows[i].value) };
        uint8_t digest[SDP_MAX_DIGEST] = { 0 };
        assert_int_equal(sdp_fingerprint_digest(&f, digest), rows[i].want);
        if (rows[i].want)
            assert_int_equal(digest[31], 0xff);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const char audio[] = HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
    static const struct {
        const char *before, *line, *why;
    } rows[] = {
        { "", "", "no v= line" },
        { "", "o=- 1 1 IN IP4 1.1.1.1\r\n", "line 1: no v= at the beginning" },
        { "", "v=1\r\n", "line 1: v=: not version 0" },
        { "", "v=0\r\ns=-\r\nt=0 0\r\n", "no o= line" },
        { "", "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\nt=0 0\r\n", "no s= line" },
        { "", "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\n", "no t= line" },
        { "", "v=0\r\no=- x 1 IN IP4 1.1.1.1\r\n", "line 2: o=: not a user, an id and a version" },
        { HEAD, "hello\r\n", "line 5: not of the form x=..." },
        { HEAD, "A=b\r\n", "line 5: not of the form x=..." },
        { HEAD, "a=x\001\r\n", "line 5: a control character" },
        { HEAD, "c=IPN\r\n", "line 5: c=: not an internet address" },
        { HEAD, "m=audio\r\n", "line 5: m=: not a kind, port, protocol and formats" },
        { HEAD, "m=audio 9 UDP/TLS/RTP/SAVPF\r\n",
          "line 5: m=: not a kind, port, protocol and formats" },
        { HEAD, "m=audio x UDP/TLS/RTP/SAVPF 1\r\n", "line 5: m=: no such port" },
        { HEAD, "m=audio 65536 UDP/TLS/RTP/SAVPF 1\r\n", "line 5: m=: no such port" },
        { HEAD, "m=audio 9 UDP/TLS/RTP/SAVPF 128\r\n", "line 5: m=: not a payload type" },
        { HEAD, "m=audio 9 UDP/TLS/RTP/SAVPF 1 1\r\n", "line 5: m=: a payload type twice" },
        { HEAD, "a=setup:holdconn\r\n", "line 5: a=setup: not actpass, active or passive" },
        { HEAD, "a=ice-ufrag:abc\r\n", "line 5: a=ice-ufrag: not 4 to 256 ICE characters" },
        { HEAD, "a=ice-ufrag:ab d\r\n", "line 5: a=ice-ufrag: not 4 to 256 ICE characters" },
        { HEAD, "a=ice-pwd:abcdefghijklmnopqrstu\r\n",
          "line 5: a=ice-pwd: not 22 to 256 ICE characters" },
        { HEAD, "a=fingerprint:sha-256\r\n",
          "line 5: a=fingerprint: not an algorithm and hex pairs" },
        { HEAD, "a=fingerprint:sha-256 zz\r\n",
          "line 5: a=fingerprint: not an algorithm and hex pairs" },
        { HEAD, "a=extmap:0 urn:x\r\n", "line 5: a=extmap: not an id and a URI" },
        { HEAD, "a=extmap:1\r\n", "line 5: a=extmap: not an id and a URI" },
        { HEAD, "a=extmap:1/up urn:x\r\n", "line 5: a=extmap: no such direction" },
        { audio, "a=rtpmap:111 opus\r\n", "line 6: a=rtpmap: not a codec and its clock rate" },
        { audio, "a=rtpmap:111 opus/0\r\n", "line 6: a=rtpmap: not a codec and its clock rate" },
        { audio, "a=rtpmap:111 opus/48000/x\r\n", "line 6: a=rtpmap: not a number of channels" },
        { audio, "a=mid:\r\n", "line 6: a=mid: not a token" },
        { audio, "a=mid:x\r\nm=video 9 UDP/TLS/RTP/SAVPF 1\r\na=mid:x\r\n",
          "line 8: a=mid: given twice" },
        { audio, "a=ssrc:x cname:y\r\n", "line 6: a=ssrc: not a number" },
        { audio, "a=ssrc:4294967296 cname:y\r\n", "line 6: a=ssrc: not a number" },
        { audio, "a=ssrc-group:FID 1 x\r\n", "line 6: a=ssrc-group: not a number" },
        { audio, "a=rid:a sideways\r\n", "line 6: a=rid: not an id and a direction" },
        { audio, "a=simulcast:send\r\n", "line 6: a=simulcast: not send or recv with a list" },
        { audio, "a=candidate:1 x udp 1 192.0.2.1 1 typ host\r\n",
          "line 6: a=candidate: no such component" },
        { audio, "a=candidate:1 1 udp x 192.0.2.1 1 typ host\r\n",
          "line 6: a=candidate: bad priority" },
        { audio, "a=candidate:1 1 udp 1 192.0.2.1 70000 typ host\r\n",
          "line 6: a=candidate: no such port" },
        { audio, "a=candidate:1 1 udp 1 192.0.2.1 1 host\r\n", "line 6: a=candidate: no type" },
        { audio, "a=candidate:%% 1 udp 1 192.0.2.1 1 typ host\r\n",
          "line 6: a=candidate: bad foundation" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text;
        struct sdp_why why = { "" };
        struct sdp *sdp = NULL;
        buf_init(&text, 1 << 20);
        buf_printf(&text, "%s%s", rows[i].before, rows[i].line);
        assert_int_equal(sdp_parse(buf_bytes(&text), &why, &sdp), ERR_MALFORMED);
        assert_string_equal(why.text, rows[i].why);
        assert_null(sdp);
        buf_fini(&text);
    }
}

static void limits(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int most;
        const char *why;
    } rows[] = {
        { "b=AS:%d\r\n", SDP_MAX_LINES - 5, "line 2049: too many lines" },
        { "m=video 9 UDP/TLS/RTP/SAVPF %d\r\n", SDP_MAX_MEDIA - 1,
          "line 21: m=: too many sections" },
        { "a=candidate:1 1 udp %d 192.0.2.1 9 typ host\r\n", SDP_MAX_CANDIDATES,
          "line 70: a=candidate: too many" },
        { "a=extmap:%d urn:x\r\n", SDP_MAX_EXTMAPS, "line 38: a=extmap: too many" },
        { "a=ssrc:%d cname:x\r\n", SDP_MAX_SSRCS, "line 38: a=ssrc: too many" },
        { "a=rid:%d send\r\n", SDP_MAX_RIDS, "line 14: a=rid: too many" },
        { "a=fingerprint:sha-%d 00\r\n", SDP_MAX_FINGERPRINTS, "line 10: a=fingerprint: too many" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int over = 0; over < 2; over++) {
            struct buf text;
            struct sdp_why why = { "" };
            struct sdp *sdp;
            buf_init(&text, 1 << 20);
            buf_put_str(&text, HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
            for (int n = 1; n <= rows[i].most + over; n++) {
                const char *at = strchr(rows[i].line, '%');
                buf_printf(&text, "%.*s%d%s", (int)(at - rows[i].line), rows[i].line, n, at + 2);
            }
            assert_int_equal(sdp_parse(buf_bytes(&text), &why, &sdp), over ? ERR_LIMIT : OK);
            assert_string_equal(why.text, over ? rows[i].why : "");
            if (!over)
                sdp_free(sdp);
            buf_fini(&text);
        }

    struct sdp_why why;
    struct sdp *sdp;
    uint8_t *big = calloc(1, SDP_MAX_SIZE + 1);
    assert_int_equal(sdp_parse(bytes_of(big, SDP_MAX_SIZE + 1), &why, &sdp), ERR_LIMIT);
    assert_string_equal(why.text, "above 65536 bytes");
    static const char long_mid[] =
        HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:abcdefghijklmnopqrstuvwxyz0123456\r\n";
    assert_int_equal(sdp_parse(bytes_str(long_mid), &why, &sdp), ERR_LIMIT);
    assert_string_equal(why.text, "line 6: a=mid: too long");
    free(big);
}

static void fragments(void **state)
{
    (void)state;
    static const char text[] =
        "a=ice-ufrag:EsAw\n"
        "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n"
        "a=group:BUNDLE 0 1\n"
        "m=audio 9 RTP/AVP 0\n"
        "a=mid:0\n"
        "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\n"
        "a=end-of-candidates\n";
    struct sdp_why why;
    struct sdp *s;
    assert_int_equal(sdp_parse_fragment(bytes_str(text), &why, &s), OK);
    equal(s->session.ufrag, "EsAw");
    equal(s->media[0].mid, "0");
    assert_int_equal(s->media[0].group, 0);
    assert_int_equal(s->media[0].candidates[0].addr.port, 61764);
    assert_true(s->media[0].end_of_candidates);
    sdp_free(s);
    assert_int_equal(sdp_parse_fragment(bytes_str(""), &why, &s), OK);
    sdp_free(s);
    assert_int_equal(sdp_parse_fragment(bytes_str("{}"), &why, &s), ERR_MALFORMED);
}

static void print_and_parse_agree(void **state)
{
    (void)state;
    struct sdp *first = parse(offer);
    struct buf once, twice;
    buf_init(&once, SDP_MAX_SIZE);
    buf_init(&twice, SDP_MAX_SIZE);
    sdp_print(first, &once);
    struct sdp *second = parse(buf_str(&once));
    sdp_print(second, &twice);
    assert_string_equal(buf_str(&once), buf_str(&twice));
    assert_non_null(strstr(buf_str(&once), "a=fmtp:111 minptime=10; useinbandfec=1;stereo\r\n"));
    assert_non_null(strstr(buf_str(&once), "a=simulcast:send h;l recv x\r\n"));
    assert_non_null(strstr(buf_str(&once), "a=extmap:7/sendonly urn:seven\r\n"));
    assert_non_null(strstr(buf_str(&once), "typ srflx raddr :: rport 9\r\n"));
    assert_int_equal(second->media[1].candidate_count, first->media[1].candidate_count);
    assert_int_equal(second->media[1].codecs[0].feedback, first->media[1].codecs[0].feedback);
    sdp_free(first);
    sdp_free(second);
    buf_fini(&once);
    buf_fini(&twice);
}

/* Whatever is taken prints and parses again; whatever is refused has a reason. */
static void check_any(const char *text, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1); /* so that the sanitizer sees a read past the end */
    memcpy(exact, text, len);
    struct sdp_why why = { "" };
    struct sdp *sdp, *again;
    if (sdp_parse(bytes_of(exact, len), &why, &sdp)) {
        assert_true(why.text[0] != 0);
    } else {
        struct buf out;
        buf_init(&out, 1 << 20);
        sdp_print(sdp, &out);
        if (out.len <= SDP_MAX_SIZE && sdp_parse(buf_bytes(&out), &why, &again))
            fail_msg("%s in %s", why.text, buf_str(&out));
        else if (out.len <= SDP_MAX_SIZE)
            sdp_free(again);
        sdp_free(sdp);
        buf_fini(&out);
    }
    free(exact);
}

static void every_prefix(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof offer; len++)
        check_any(offer, len);
}

static void random_damage(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 3000; round++) {
        char text[sizeof offer];
        memcpy(text, offer, sizeof text);
        for (int n = rand() % 8; n >= 0; n--)
            text[rand() % (int)(sizeof offer - 1)] = " :;/=0a\n*~"[rand() % 10];
        check_any(text, sizeof offer - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_in_full),
        cmocka_unit_test(parameters),
        cmocka_unit_test(fingerprints),
        cmocka_unit_test(refusals),
        cmocka_unit_test(limits),
        cmocka_unit_test(fragments),
        cmocka_unit_test(print_and_parse_agree),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
