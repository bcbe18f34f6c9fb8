/* Packets a second that one core opens: both suites, packets of 1200 bytes, over 1, 100 and 1000
 * sessions in turn, so that the caches see what a busy media loop sees. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "srtp/srtp.h"

#define PAYLOAD      1200
#define PACKET_SIZE  1280
#define MAX_SESSIONS 1000
#define PACKETS      200000

struct session {
    struct srtp *send, *receive;
    uint16_t seq;
};

static bool session_init(struct session *s, enum srtp_profile profile)
{
    struct srtp_key key = { .profile = profile };
    random_bytes(key.key, sizeof key.key);
    random_bytes(key.salt, sizeof key.salt);
    s->seq = 0;
    return srtp_new(&s->send, &key, SRTP_SEND) == 0 &&
           srtp_new(&s->receive, &key, SRTP_RECEIVE) == 0;
}

static size_t make(struct session *s, uint8_t *packet, uint32_t ssrc)
{
    size_t len = 12 + PAYLOAD;
    packet[0] = 0x80;
    packet[1] = 96;
    set_u16(packet + 2, s->seq++);
    set_u32(packet + 8, ssrc);
    return srtp_seal_rtp(s->send, packet, &len, PACKET_SIZE) ? 0 : len;
}

/* Seals a round of packets apart from the clock, then opens them against it. */
static bool run(struct session *sessions, uint32_t count, uint8_t *packets, usec_t *sealing,
                usec_t *opening)
{
    size_t len = 0;
    usec_t start = clock_mono();
    for (uint32_t i = 0; i < count; i++)
        if (!(len = make(&sessions[i], packets + (size_t)i * PACKET_SIZE, i)))
            return false;
    usec_t middle = clock_mono();
    for (uint32_t i = 0; i < count; i++) {
        size_t n = len;
        if (srtp_open_rtp(sessions[i].receive, packets + (size_t)i * PACKET_SIZE, &n))
            return false;
    }
    *sealing += middle - start;
    *opening += clock_mono() - middle;
    return true;
}

static bool bench(const char *name, enum srtp_profile profile, uint32_t count, uint8_t *packets)
{
    static struct session sessions[MAX_SESSIONS];
    usec_t sealing = 0, opening = 0;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++)
        ok = session_init(&sessions[i], profile) && ok;
    uint32_t done = 0;
    for (; ok && done < PACKETS; done += count)
        ok = run(sessions, count, packets, &sealing, &opening);
    for (uint32_t i = 0; i < count; i++) {
        srtp_free(sessions[i].send);
        srtp_free(sessions[i].receive);
    }
    if (ok)
        printf("%-12s %5u streams  open %8.0f/s  seal %8.0f/s\n", name, count,
               1e6 * done / (double)opening, 1e6 * done / (double)sealing);
    return ok;
}

int main(void)
{
    static const uint32_t counts[] = { 1, 100, 1000 };
    uint8_t *packets = calloc(MAX_SESSIONS, PACKET_SIZE);
    bool ok = packets != NULL;
    for (size_t i = 0; ok && i < 3; i++)
        ok = bench("AES-CM-SHA1", SRTP_AES128_CM_SHA1_80, counts[i], packets);
    for (size_t i = 0; ok && i < 3; i++)
        ok = bench("AES-GCM", SRTP_AEAD_AES_128_GCM, counts[i], packets);
    free(packets);
    return ok ? 0 : 1;
}
