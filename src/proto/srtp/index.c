#include "srtp/index.h"

#include <string.h>

#include "base/err.h"

static uint64_t *word(struct srtp_window *w, uint64_t index)
{
    return &w->seen[index % SRTP_WINDOW / 64];
}

int srtp_window_check(const struct srtp_window *w, uint64_t index)
{
    if (!w->begun || index > w->top)
        return OK;
    if (w->top - index >= SRTP_WINDOW)
        return ERR_REPLAY;
    return w->seen[index % SRTP_WINDOW / 64] >> index % 64 & 1 ? ERR_REPLAY : OK;
}

/* Forgets the indices that the window leaves behind when its top moves. */
static void move_top(struct srtp_window *w, uint64_t index)
{
    if (!w->begun || index - w->top >= SRTP_WINDOW) {
        memset(w->seen, 0, sizeof w->seen);
    } else {
        for (uint64_t i = w->top + 1; i < index; i++)
            *word(w, i) &= ~(1ull << i % 64);
    }
    w->top = index;
    w->begun = true;
}

void srtp_window_accept(struct srtp_window *w, uint64_t index)
{
    if (!w->begun || index > w->top)
        move_top(w, index);
    *word(w, index) |= 1ull << index % 64;
}

int srtp_guess_index(const struct srtp_window *w, uint16_t seq, uint64_t *index)
{
    if (!w->begun) {
        *index = seq;
        return OK;
    }
    int64_t roc = (int64_t)(w->top >> 16);
    uint16_t highest = (uint16_t)w->top;
    if (highest < 32768 && seq - highest > 32768)
        roc--;
    else if (highest >= 32768 && highest - 32768 > seq)
        roc++;
    if (roc < 0 || roc > UINT32_MAX)
        return ERR_REPLAY;
    *index = (uint64_t)roc << 16 | seq;
    return OK;
}
