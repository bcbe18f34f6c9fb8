/* A UDP socket on a loop: datagrams in batches in, datagrams in batches out.
 *
 * Receiving: recvmmsg of up to 64, a bound per turn of the loop. A busy socket is not polled but
 * drained on a 1 ms clock, which halves the cost of a packet (a wake-up serves many); an idle one
 * goes back to polling. Sending: datagrams are collected and leave with one sendmmsg at the end of
 * the turn, or when the batch is full. All functions on the loop's thread. */
#ifndef IO_UDP_H
#define IO_UDP_H

#include <uv.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"

#define UDP_MAX_DATAGRAM 2048 /* larger ones are dropped and counted */

struct udp;

struct udp_datagram {
    struct addr from;
    uint8_t *data; /* the receiver may change it in place (decryption) */
    size_t len;
};

struct udp_stats {
    uint64_t received, sent, too_large, send_failed;
    uint64_t
        overflowed; /* dropped by the kernel because the receive buffer was full (SO_RXQ_OVFL) */
};

/* The batch is borrowed for the call. `now` is monotonic, taken once per batch. */
typedef void udp_receive_fn(void *ctx, const struct udp_datagram *batch, size_t count, usec_t now);

/* ERR_IO: cannot bind (logged with the address). Warns when the kernel gives less than the wanted
 * receive buffer. */
int udp_open(struct udp **out, uv_loop_t *uv, struct addr local, udp_receive_fn *receive,
             void *ctx);

/* Sends what is collected; frees it after the loop's next turn. May be called while a batch is
 * received. NULL is fine. */
void udp_close(struct udp *udp);

/* Copies. What the kernel refuses is counted and lost, as datagrams are. */
void udp_send(struct udp *udp, struct addr to, struct bytes data);

struct addr udp_local(const struct udp *udp);
struct udp_stats udp_stats(const struct udp *udp);

#endif
