/* Packet indices: the guess of the rollover counter (RFC 3711 3.3.1) and the replay window (3.3.2).
 * Plain values. */
#ifndef SRTP_INDEX_H
#define SRTP_INDEX_H

#include <stdbool.h>
#include <stdint.h>

/* RFC 3711 asks for 64 at least. A key frame and its retransmissions are hundreds of packets; more
 * than 3 s at 3 Mbit/s. */
#define SRTP_WINDOW 1024

struct srtp_window {
    bool begun;
    uint64_t top; /* the highest index accepted */
    uint64_t seen[SRTP_WINDOW / 64];
};

/* OK, or ERR_REPLAY: accepted before, or too old to know. */
int srtp_window_check(const struct srtp_window *w, uint64_t index);
void srtp_window_accept(struct srtp_window *w, uint64_t index); /* after authentication */

/* The index of an RTP packet: ROC * 65536 + SEQ, where ROC is the one that puts it nearest to the
 * highest accepted. The first packet of a stream has ROC 0; RFC 3711 3.3.1 wants senders to begin
 * below 2^15 so that this holds although packets were lost. ERR_REPLAY: it would lie before the
 * beginning. */
int srtp_guess_index(const struct srtp_window *w, uint16_t seq, uint64_t *index);

#endif
