#include "rtp/twcc.h"

#include "rtp/unwrap.h"

/* On the wire: reference time in 64 ms, deltas in 250 us, statuses of 2 bits (3.1.1 to 3.1.5). */
enum { MISSING = 0, SMALL_DELTA = 1, LARGE_DELTA = 2 };

#define TICK           ((usec_t)250)
#define REFERENCE_TICK (64 * MSEC)
#define INTERVAL       (100 * MSEC)
#define INTERVAL_BUSY  (50 * MSEC)
#define BUSY           64 /* packets */
#define FIXED_SIZE     20 /* header, SSRCs, base, count, reference time, feedback count */

void twcc_init(struct twcc *t)
{
    *t = (struct twcc){ 0 };
}

static usec_t *slot(struct twcc *t, int64_t seq)
{
    return &t->at[(uint64_t)seq % TWCC_WINDOW];
}

static void restart(struct twcc *t, uint16_t seq)
{
    for (size_t i = 0; i < TWCC_WINDOW; i++)
        t->at[i] = USEC_UNSET;
    t->started = true;
    t->next = t->highest = (t->highest / 65536 + 2) * 65536 + seq;
    t->fresh = 0;
}

/* Forgets what the packets from the old highest to `seq` overwrite. */
static void advance(struct twcc *t, int64_t seq)
{
    for (int64_t s = t->highest + 1; s <= seq; s++)
        *slot(t, s) = USEC_UNSET;
    t->highest = seq;
    if (t->next <= seq - TWCC_WINDOW)
        t->next = seq - TWCC_WINDOW + 1;
}

void twcc_arrived(struct twcc *t, uint16_t wire_seq, usec_t arrival)
{
    int64_t seq = unwrap_u16(t->highest, wire_seq);
    if (!t->started || seq > t->highest + TWCC_WINDOW || seq <= t->highest - TWCC_WINDOW) {
        restart(t, wire_seq);
        seq = t->highest;
    } else if (seq > t->highest) {
        advance(t, seq);
    }
    if (*slot(t, seq) != USEC_UNSET)
        return;
    *slot(t, seq) = arrival;
    if (seq < t->next) /* late: told once more from there on */
        t->next = seq;
    if (t->fresh++ == 0)
        t->due = arrival + INTERVAL;
    else if (t->fresh == BUSY)
        t->due -= INTERVAL - INTERVAL_BUSY;
}

usec_t twcc_deadline(const struct twcc *t)
{
    return t->fresh ? t->due : USEC_NEVER;
}

/* One feedback in the making: statuses first, deltas beside them, both put on the wire at the end.
 */
struct draft {
    uint8_t status[RTCP_TWCC_MAX];
    int16_t delta[RTCP_TWCC_MAX];
    size_t count, deltas_size;
    usec_t reference, last;
};

/* Adds a packet; false when its time cannot be said relative to the one before. */
static bool add(struct draft *f, usec_t at)
{
    if (at == USEC_UNSET) {
        f->status[f->count++] = MISSING;
        return true;
    }
    usec_t diff = at - f->last;
    usec_t delta = (diff + (diff >= 0 ? TICK / 2 : -TICK / 2)) / TICK;
    if (delta < INT16_MIN || delta > INT16_MAX)
        return false;
    f->last += delta * TICK;
    f->delta[f->count] = (int16_t)delta;
    f->status[f->count++] = delta >= 0 && delta <= 255 ? SMALL_DELTA : LARGE_DELTA;
    f->deltas_size += delta >= 0 && delta <= 255 ? 1 : 2;
    return true;
}

/* Chunks cost at most two bytes for each seven packets. */
static size_t worst_size(const struct draft *f)
{
    return FIXED_SIZE + 2 * (f->count / 7 + 1) + f->deltas_size + 2 + 3;
}

static bool collect(struct draft *f, struct twcc *t, size_t room)
{
    int64_t seq = t->next;
    while (seq <= t->highest && *slot(t, seq) == USEC_UNSET)
        seq++;
    if (seq > t->highest)
        return false;
    t->next = seq;
    f->count = f->deltas_size = 0;
    f->reference = *slot(t, seq) / REFERENCE_TICK;
    f->last = f->reference * REFERENCE_TICK;
    while (seq <= t->highest && f->count < RTCP_TWCC_MAX && worst_size(f) <= room &&
           add(f, *slot(t, seq)))
        seq++;
    while (f->count && f->status[f->count - 1] == MISSING && seq <= t->highest) {
        f->count--; /* cut in the middle of a gap: the gap belongs to what follows it */
        seq--;
    }
    return f->count > 0;
}

static size_t run_length(const struct draft *f, size_t from)
{
    size_t n = 1;
    while (from + n < f->count && n < 0x1fff && f->status[from + n] == f->status[from])
        n++;
    return n;
}

/* A status vector of `each`-bit symbols from `from` on (3.1.4); 14 of one bit, 7 of two. */
static uint16_t vector(const struct draft *f, size_t from, unsigned each)
{
    uint16_t chunk = (uint16_t)(1u << 15 | (each == 2 ? 1u << 14 : 0));
    unsigned symbols = 14 / each;
    for (unsigned i = 0; i < symbols && from + i < f->count; i++)
        chunk = (uint16_t)(chunk | (unsigned)f->status[from + i] << (14 - each * (i + 1)));
    return chunk;
}

static bool only_small(const struct draft *f, size_t from)
{
    for (size_t i = from; i < from + 14 && i < f->count; i++)
        if (f->status[i] == LARGE_DELTA)
            return false;
    return true;
}

static void write_chunks(struct writer *w, const struct draft *f)
{
    for (size_t i = 0; i < f->count;) {
        size_t run = run_length(f, i);
        bool one_bit = only_small(f, i);
        if (run >= (one_bit ? 14u : 7u) || i + run == f->count) {
            write_u16(w, (uint16_t)((unsigned)f->status[i] << 13 | run));
            i += run;
        } else {
            write_u16(w, vector(f, i, one_bit ? 1 : 2));
            i += one_bit ? 14 : 7;
        }
    }
}

static void write_deltas(struct writer *w, const struct draft *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->status[i] == SMALL_DELTA)
            write_u8(w, (uint8_t)f->delta[i]);
        else if (f->status[i] == LARGE_DELTA)
            write_u16(w, (uint16_t)f->delta[i]);
    }
}

static void write_feedback(struct writer *w, const struct draft *f, struct twcc *t, uint32_t ssrc,
                           uint32_t media_ssrc)
{
    uint8_t *start = w->pos;
    rtcp_begin(w, RTCP_RTPFB_TWCC, RTCP_RTPFB);
    write_u32(w, ssrc);
    write_u32(w, media_ssrc);
    write_u16(w, (uint16_t)t->next);
    write_u16(w, (uint16_t)f->count);
    write_u24(w, (uint32_t)f->reference & 0xffffff);
    write_u8(w, t->feedback_count);
    write_chunks(w, f);
    write_deltas(w, f);
    rtcp_end(w, start);
}

bool twcc_write(struct twcc *t, struct writer *w, uint32_t ssrc, uint32_t media_ssrc, usec_t now)
{
    struct draft f;
    if (now < twcc_deadline(t) || !collect(&f, t, (size_t)(w->end - w->pos)))
        return false;
    write_feedback(w, &f, t, ssrc, media_ssrc);
    t->feedback_count++;
    t->next += (int64_t)f.count;
    if (t->next > t->highest)
        t->fresh = 0;
    return true;
}
