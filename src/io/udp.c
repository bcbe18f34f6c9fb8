#include "io/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "observe/log.h"

#define BATCH            64
#define BATCHES_PER_TURN 8
#define RECEIVE_BUFFER   (8 << 20) /* 100 ms of 50 k packets a second, as the kernel counts them */
#define DRAIN_MS         1
#define BUSY_COUNT       16 /* datagrams in one wake-up that make a socket busy */
#define IDLE_DRAINS      3  /* empty drains after which it is polled again */

struct out_datagram {
    struct sockaddr_storage to;
    uint8_t data[UDP_MAX_DATAGRAM];
};

struct udp {
    int fd;
    struct addr local;
    udp_receive_fn *receive;
    void *ctx;
    uv_poll_t poll;
    uv_timer_t drain;
    uv_prepare_t flush; /* runs before the loop sleeps */
    unsigned idle;      /* empty drains in a row */
    bool closing;
    unsigned open_handles;
    struct udp_stats stats;
    uint32_t last_overflow;

    struct mmsghdr in[BATCH];
    struct iovec in_iov[BATCH];
    struct sockaddr_storage in_addr[BATCH];
    uint8_t in_data[BATCH][UDP_MAX_DATAGRAM];
    char in_control[BATCH][CMSG_SPACE(sizeof(uint32_t))];
    struct udp_datagram batch[BATCH];

    struct mmsghdr out[BATCH];
    struct iovec out_iov[BATCH];
    struct out_datagram out_data[BATCH];
    unsigned out_count;
};

static void read_overflow(struct udp *udp, struct msghdr *head)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
        uint32_t count;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&count, CMSG_DATA(c), sizeof count);
        udp->stats.overflowed += (uint32_t)(count - udp->last_overflow);
        udp->last_overflow = count;
    }
}

static void prepare_batch(struct udp *udp)
{
    for (unsigned i = 0; i < BATCH; i++) {
        udp->in_iov[i] = (struct iovec){ udp->in_data[i], UDP_MAX_DATAGRAM };
        udp->in[i].msg_hdr = (struct msghdr){ .msg_name = &udp->in_addr[i],
                                              .msg_namelen = sizeof udp->in_addr[i],
                                              .msg_iov = &udp->in_iov[i],
                                              .msg_iovlen = 1,
                                              .msg_control = udp->in_control[i],
                                              .msg_controllen = sizeof udp->in_control[i] };
    }
}

/* One recvmmsg; returns how many datagrams the kernel had. */
static unsigned receive_batch(struct udp *udp)
{
    prepare_batch(udp);
    int got = recvmmsg(udp->fd, udp->in, BATCH, MSG_DONTWAIT, NULL);
    if (got <= 0)
        return 0;

    size_t count = 0;
    for (int i = 0; i < got; i++) {
        struct mmsghdr *m = &udp->in[i];
        struct udp_datagram *d = &udp->batch[count];
        if (m->msg_hdr.msg_flags & MSG_TRUNC) {
            udp->stats.too_large++;
            continue;
        }
        if (!addr_from_sockaddr(&d->from, (struct sockaddr *)&udp->in_addr[i]))
            continue;
        d->data = udp->in_data[i];
        d->len = m->msg_len;
        count++;
    }
    read_overflow(udp, &udp->in[got - 1].msg_hdr);
    udp->stats.received += count;
    udp->receive(udp->ctx, udp->batch, count, clock_mono());
    return (unsigned)got;
}

static unsigned receive_turn(struct udp *udp)
{
    unsigned total = 0;
    for (int i = 0; i < BATCHES_PER_TURN; i++) {
        unsigned got = receive_batch(udp);
        total += got;
        if (got < BATCH || udp->closing)
            break;
    }
    return total;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_drain(uv_timer_t *timer)
{
    struct udp *udp = timer->data;
    udp->idle = receive_turn(udp) ? 0 : udp->idle + 1;
    if (udp->idle < IDLE_DRAINS || udp->closing)
        return;
    uv_timer_stop(timer);
    uv_poll_start(&udp->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct udp *udp = poll->data;
    if (receive_turn(udp) < BUSY_COUNT || udp->closing)
        return;
    udp->idle = 0;
    uv_poll_stop(poll);
    uv_timer_start(&udp->drain, on_drain, DRAIN_MS, DRAIN_MS);
}

static void flush(struct udp *udp)
{
    unsigned done = 0;
    while (done < udp->out_count) {
        int sent = sendmmsg(udp->fd, udp->out + done, udp->out_count - done, MSG_DONTWAIT);
        if (sent > 0) {
            done += (unsigned)sent;
            udp->stats.sent += (unsigned)sent;
        } else if (errno != EINTR) {
            udp->stats.send_failed++;
            done++; /* the one that was refused */
        }
    }
    udp->out_count = 0;
}

static void on_flush(uv_prepare_t *prepare)
{
    flush(prepare->data);
}

void udp_send(struct udp *udp, struct addr to, struct bytes data)
{
    if (data.len > UDP_MAX_DATAGRAM) {
        udp->stats.send_failed++;
        return;
    }
    struct out_datagram *o = &udp->out_data[udp->out_count];
    socklen_t len = addr_to_sockaddr(to, &o->to);
    memcpy(o->data, data.ptr, data.len);
    udp->out_iov[udp->out_count] = (struct iovec){ o->data, data.len };
    udp->out[udp->out_count].msg_hdr = (struct msghdr){ .msg_name = &o->to,
                                                        .msg_namelen = len,
                                                        .msg_iov = &udp->out_iov[udp->out_count],
                                                        .msg_iovlen = 1 };
    if (++udp->out_count == BATCH)
        flush(udp);
}

/* SO_RCVBUFFORCE needs CAP_NET_ADMIN; without it the sysctl's maximum holds. */
static void set_receive_buffer(int fd)
{
    int want = RECEIVE_BUFFER, got = 0;
    socklen_t len = sizeof got;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof want))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof want);
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len);
    if (got < want) /* the kernel reports twice what it was asked for */
        log_warn(NULL,
                 "UDP receive buffer is %d KiB, wanted %d: raise net.core.rmem_max to %d, or "
                 "packets are lost in bursts",
                 got / 2048, want / 1024, want);
}

static int open_socket(struct addr local)
{
    struct sockaddr_storage sa;
    char text[ADDR_TEXT_SIZE];
    socklen_t len = addr_to_sockaddr(local, &sa);
    int one = 1;
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len)) {
        log_error(NULL, "cannot receive media on UDP %s: %s", addr_text(local, text),
                  strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
    set_receive_buffer(fd);
    return fd;
}

int udp_open(struct udp **out, uv_loop_t *uv, struct addr local, udp_receive_fn *receive, void *ctx)
{
    struct udp *udp = calloc(1, sizeof *udp);
    if (!udp)
        return ERR_NOMEM;
    udp->fd = open_socket(local);
    if (udp->fd < 0) {
        free(udp);
        return ERR_IO;
    }
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    getsockname(udp->fd, (struct sockaddr *)&sa, &len);
    addr_from_sockaddr(&udp->local, (struct sockaddr *)&sa);
    udp->receive = receive;
    udp->ctx = ctx;

    uv_poll_init(uv, &udp->poll, udp->fd);
    uv_timer_init(uv, &udp->drain);
    uv_prepare_init(uv, &udp->flush);
    udp->poll.data = udp->drain.data = udp->flush.data = udp;
    udp->open_handles = 3;
    uv_poll_start(&udp->poll, UV_READABLE, on_readable);
    uv_prepare_start(&udp->flush, on_flush);
    *out = udp;
    return OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct udp *udp = handle->data;
    if (--udp->open_handles)
        return;
    close(udp->fd);
    free(udp);
}

void udp_close(struct udp *udp)
{
    if (!udp)
        return;
    flush(udp);
    udp->closing = true;
    uv_close((uv_handle_t *)&udp->poll, on_closed);
    uv_close((uv_handle_t *)&udp->drain, on_closed);
    uv_close((uv_handle_t *)&udp->flush, on_closed);
}

struct addr udp_local(const struct udp *udp)
{
    return udp->local;
}

struct udp_stats udp_stats(const struct udp *udp)
{
    return udp->stats;
}
