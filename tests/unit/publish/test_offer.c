#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "publish/offer.h"
#include "session/negotiation.h"

#define PRINT                                                                                      \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"   \
    "1E:1F"

static struct offer an_offer(bool audio, bool video)
{
    struct offer o = { .fingerprint = PRINT,
                       .cname = "someone",
                       .send = { [MEDIA_AUDIO] = audio, [MEDIA_VIDEO] = video },
                       .ssrc = { 11, 22 },
                       .profile = "42c01e",
                       .session_id = 7 };
    ice_side_random(&o.ice);
    return o;
}

/* Our own server's answer to the offer. */
static void answer_to(const struct offer *o, struct buf *text, struct negotiated *n)
{
    struct buf offer;
    struct sdp *sdp;
    struct sdp_why why;
    struct negotiation_local local = { .ufrag = "server",
                                       .fingerprint = "sha-256 " PRINT,
                                       .candidate_count = 2 };
    strcpy(local.pwd, "serverserverserverserver");
    addr_parse(&local.candidates[0], "127.0.0.1", 9100);
    addr_parse(&local.candidates[1], "::1", 9100);
    buf_init(&offer, SDP_MAX_SIZE);
    buf_init(text, SDP_MAX_SIZE);
    assert_int_equal(offer_print(o, &offer), OK);
    assert_int_equal(sdp_parse(buf_bytes(&offer), &why, &sdp), OK);
    assert_int_equal(negotiate(sdp, false, &why, n), OK);
    assert_int_equal(negotiation_answer(sdp, n, &local, text), OK);
    sdp_free(sdp);
    buf_fini(&offer);
}

static void our_server_understands(void **state)
{
    (void)state;
    for (int what = 1; what < 4; what++) {
        struct offer o = an_offer(what & 1, what & 2);
        struct negotiated n;
        struct answer answer;
        struct sdp_why why = { "" };
        struct buf text;
        answer_to(&o, &text, &n);
        assert_int_equal(n.media_count, what == 3 ? 2 : 1);
        assert_string_equal(n.ufrag, o.ice.ufrag);
        const struct negotiated_media *audio = negotiated_of(&n, MEDIA_AUDIO);
        const struct negotiated_media *video = negotiated_of(&n, MEDIA_VIDEO);
        assert_int_equal(audio != NULL, what & 1);
        if (video) {
            assert_int_equal(video->profile_level_id, 0x42c01e);
            assert_int_equal(video->packetization_mode, 1);
            assert_int_equal(video->payload_type, OFFER_H264);
            assert_int_equal(video->ssrcs[0], 22);
            assert_true(video->nack && video->pli);
        }
        assert_int_equal(answer_read(buf_bytes(&text), &o, &why, &answer), OK);
        assert_string_equal(answer.ice.ufrag, "server");
        assert_int_equal(answer.candidate_count, 1); /* one socket, one family */
        assert_int_equal(answer.candidates[0].addr.port, 9100);
        assert_int_equal(answer.fingerprint.len, 32);
        buf_fini(&text);
    }
}

/* Replaces the first `from` in the text. */
static void edit(struct buf *text, const char *from, const char *to)
{
    struct buf out;
    const char *all = buf_str(text), *at = strstr(all, from);
    assert_non_null(at);
    buf_init(&out, SDP_MAX_SIZE);
    buf_put(&out, all, (size_t)(at - all));
    buf_put_str(&out, to);
    buf_put_str(&out, at + strlen(from));
    buf_fini(text);
    *text = out;
}

static void odd_answers(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int err;
        const char *why;
    } table[] = {
        { "m=audio 9100", "m=audio 0", ERR_UNSUPPORTED, "does not take Opus" },
        { "m=video 9100", "m=video 0", ERR_UNSUPPORTED, "does not take H.264" },
        { "UDP/TLS/RTP/SAVPF 96", "UDP/TLS/RTP/SAVPF 97", ERR_UNSUPPORTED, "does not take H.264" },
        { "m=video", "m=application", ERR_MALFORMED, "sections" },
        { "a=setup:passive", "a=setup:active", ERR_UNSUPPORTED, "DTLS client" },
        { "a=fingerprint:sha-256", "a=fingerprint:md5", ERR_UNSUPPORTED, "fingerprint" },
        { "a=ice-pwd", "a=x-pwd", ERR_MALFORMED, "ICE credentials" },
        { "a=candidate:1 1 udp", "a=candidate:1 1 tcp", OK, "" },
        { "v=0", "v=1", ERR_MALFORMED, "" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct offer o = an_offer(true, true);
        struct negotiated n;
        struct answer answer;
        struct sdp_why why = { "" };
        struct buf text;
        print_message("%s\n", table[i].to);
        answer_to(&o, &text, &n);
        edit(&text, table[i].from, table[i].to);
        assert_int_equal(answer_read(buf_bytes(&text), &o, &why, &answer), table[i].err);
        assert_non_null(strstr(why.text, table[i].why));
        buf_fini(&text);
    }
}

/* Cut anywhere, an answer is refused or says all that is needed. */
static void every_prefix(void **state)
{
    (void)state;
    struct offer o = an_offer(true, true);
    struct negotiated n;
    struct buf text;
    answer_to(&o, &text, &n);
    for (size_t len = 0; len < text.len; len++) {
        struct answer answer;
        struct sdp_why why;
        char *exact = malloc(len + !len);
        memcpy(exact, text.ptr, len);
        if (answer_read(bytes_of(exact, len), &o, &why, &answer) == OK)
            assert_true(answer.candidate_count && answer.fingerprint.len && *answer.ice.pwd);
        free(exact);
    }
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_server_understands),
        cmocka_unit_test(odd_answers),
        cmocka_unit_test(every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
