#include "rtp/feedback.h"

#include <stdio.h>

#include "base/err.h"

#define NACK_BATCH    64 /* sequence numbers of one stream in one datagram: at most 268 bytes */
#define NACK_MAX_SIZE (12 + 4 * NACK_BATCH)
#define KEY_MAX_SIZE  20

void feedback_init(struct feedback *f, uint32_t ssrc, const char *cname, bool reduced_size,
                   struct twcc *twcc)
{
    *f = (struct feedback){
        .ssrc = ssrc, .reduced_size = reduced_size, .twcc = twcc, .report_due = USEC_NEVER
    };
    snprintf(f->cname, sizeof f->cname, "%s", cname);
}

int feedback_add(struct feedback *f, struct receiver *r, usec_t now)
{
    if (f->count == FEEDBACK_MAX_STREAMS)
        return ERR_LIMIT;
    if (f->count == 0)
        f->report_due = now + FEEDBACK_REPORT_EVERY;
    f->receivers[f->count++] = r;
    return OK;
}

void feedback_remove(struct feedback *f, const struct receiver *r)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < f->count; i++)
        if (f->receivers[i] != r)
            f->receivers[kept++] = f->receivers[i];
    f->count = kept;
    if (!kept)
        f->report_due = USEC_NEVER;
}

usec_t feedback_deadline(const struct feedback *f)
{
    usec_t due = f->report_due;
    for (unsigned i = 0; i < f->count; i++) {
        usec_t d = receiver_feedback_deadline(f->receivers[i]);
        due = d < due ? d : due;
    }
    usec_t t = f->twcc ? twcc_deadline(f->twcc) : USEC_NEVER;
    return t < due ? t : due;
}

/* A compound begins with a report and the CNAME (RFC 3550, 6.1). */
static void write_report(struct feedback *f, struct writer *w, usec_t now)
{
    struct rtcp_block blocks[FEEDBACK_MAX_STREAMS] = { 0 };
    unsigned count = 0;
    bool due = now >= f->report_due;
    for (unsigned i = 0; due && i < f->count; i++)
        count += receiver_block(f->receivers[i], now, &blocks[count]);
    rtcp_write_rr(w, f->ssrc, blocks, count);
    rtcp_write_cname(w, f->ssrc, f->cname);
    if (due)
        f->report_due = now + FEEDBACK_REPORT_EVERY;
}

static size_t room(const struct writer *w)
{
    return (size_t)(w->end - w->pos);
}

static void write_nacks(struct feedback *f, struct receiver *r, struct writer *w, usec_t now)
{
    uint16_t seqs[NACK_BATCH];
    if (room(w) < NACK_MAX_SIZE)
        return; /* stays due */
    size_t count = receiver_nacks(r, now, seqs, NACK_BATCH);
    if (count)
        rtcp_write_nack(w, f->ssrc, receiver_ssrc(r), seqs, count);
}

static void write_key_request(struct feedback *f, struct receiver *r, struct writer *w, usec_t now)
{
    if (room(w) < KEY_MAX_SIZE)
        return;
    enum key_request kind = receiver_key_request(r, now);
    if (kind == KEY_NONE)
        return;
    uint8_t command = receiver_key_asked(r, now);
    if (kind == KEY_PLI)
        rtcp_write_pli(w, f->ssrc, receiver_ssrc(r));
    else
        rtcp_write_fir(w, f->ssrc, receiver_ssrc(r), command);
}

static uint32_t first_ssrc(const struct feedback *f)
{
    return f->count ? receiver_ssrc(f->receivers[0]) : 0;
}

size_t feedback_write(struct feedback *f, uint8_t *out, size_t size, usec_t now)
{
    if (size < FEEDBACK_MIN_SIZE || now < feedback_deadline(f))
        return 0;
    struct writer w = writer_of(out, size);
    bool report = now >= f->report_due;
    if (report || !f->reduced_size)
        write_report(f, &w, now);
    size_t report_size = writer_len(&w);
    for (unsigned i = 0; i < f->count; i++) {
        write_key_request(f, f->receivers[i], &w, now);
        write_nacks(f, f->receivers[i], &w, now);
    }
    if (f->twcc)
        twcc_write(f->twcc, &w, f->ssrc, first_ssrc(f), now);
    return report || writer_len(&w) > report_size ? writer_len(&w) : 0;
}
