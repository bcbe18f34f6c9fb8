#include "ctl/progress.h"

#include "ctl/answer.h"
#include "ctl/text.h"

#define BAR_MAX    24
#define BAR_MIN    8
#define LINE_LIMIT 512

void progress_start(struct progress *p, usec_t now)
{
    *p = (struct progress){ .started = now };
}

static void note_left(struct progress *p, const struct upload_left *left)
{
    p->left = *left;
    if (left->files > p->most_files)
        p->most_files = left->files;
    if (left->bytes > p->most_bytes)
        p->most_bytes = left->bytes;
}

void progress_told(struct progress *p, const json_t *response)
{
    p->seen = true;
    bool ending = strcmp(json_text(response, "Status"), "Exited") == 0;
    p->stage = ending ? PROGRESS_DELIVERING : PROGRESS_RECORDING;
    struct upload_left left = task_view_upload(response);
    if (!ending || !p->ending)
        p->most_files = p->most_bytes = 0;
    p->ending = ending;
    note_left(p, &left);
}

void progress_left(struct progress *p, const struct upload_left *left)
{
    p->seen = p->ending = true;
    p->stage = PROGRESS_DELIVERING;
    note_left(p, left);
}

void progress_lost(struct progress *p)
{
    p->stage = PROGRESS_LOST;
}

void progress_gone(struct progress *p)
{
    p->stage = PROGRESS_GONE;
    p->left = (struct upload_left){ .known = true };
}

unsigned progress_percent(const struct progress *p)
{
    if (p->stage == PROGRESS_GONE)
        return 100;
    if (p->stage == PROGRESS_RECORDING || !p->most_files)
        return 0;
    double done = p->most_bytes ? 1 - (double)p->left.bytes / (double)p->most_bytes
                                : 1 - (double)p->left.files / (double)p->most_files;
    unsigned percent = (unsigned)(done * 100);
    return percent > 99 ? 99 : percent;
}

static const char *stage_word(const struct progress *p)
{
    switch (p->stage) {
    case PROGRESS_RECORDING: return "Recording";
    case PROGRESS_DELIVERING: return "Delivering";
    case PROGRESS_GONE: return p->seen ? "Delivered" : "Not known: delivered before, or never here";
    case PROGRESS_LOST: return "No connection";
    }
    return "";
}

static void put_left(const struct progress *p, struct buf *out)
{
    if (p->stage == PROGRESS_LOST)
        buf_put_str(out, ", trying again");
    if (p->stage == PROGRESS_LOST || p->stage == PROGRESS_GONE || !p->left.known)
        return;
    buf_put_str(out, "  ");
    if (p->left.files) {
        text_put_files(p->left.files, p->left.bytes, out);
        buf_put_str(out, " left");
    } else {
        buf_put_str(out, p->stage == PROGRESS_RECORDING ? "nothing waits" : "closing files");
    }
    if (p->left.failing_s) {
        buf_put_str(out, ", failing for ");
        text_put_duration(p->left.failing_s, out);
    }
}

void progress_words(const struct progress *p, struct buf *out)
{
    struct progress steady = *p;
    steady.left.failing_s = 0; /* it would change with every look */
    buf_put_str(out, stage_word(p));
    if (p->stage == PROGRESS_DELIVERING)
        buf_printf(out, " %u%%", progress_percent(p));
    put_left(&steady, out);
    if (p->left.failing_s)
        buf_put_str(out, ", failing");
}

static void put_bar(unsigned percent, unsigned cells, struct buf *out)
{
    unsigned filled = percent * cells / 100;
    buf_put_u8(out, '[');
    for (unsigned i = 0; i < cells; i++)
        buf_put_u8(out, i < filled ? '=' : i == filled ? '>' : ' ');
    buf_put_u8(out, ']');
}

/* "  0:07", "  12:30", "  1:02:03" */
static void put_elapsed(int64_t seconds, struct buf *out)
{
    long long s = seconds;
    if (s >= 3600)
        buf_printf(out, "  %lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        buf_printf(out, "  %lld:%02lld", s / 60, s % 60);
}

void progress_bar(const struct progress *p, unsigned width, usec_t now, struct buf *out)
{
    struct buf tail;
    size_t start = out->len;
    buf_init(&tail, LINE_LIMIT);
    put_left(p, &tail);
    put_elapsed(now > p->started ? (now - p->started) / SEC : 0, &tail);

    buf_put_str(out, stage_word(p));
    if (p->stage == PROGRESS_DELIVERING || (p->stage == PROGRESS_GONE && p->seen)) {
        size_t used = out->len - start + tail.len + sizeof " [] 100%" - 1;
        size_t cells = width > used ? width - used : 0;
        unsigned percent = progress_percent(p);
        buf_put_u8(out, ' ');
        if (cells >= BAR_MIN) {
            put_bar(percent, cells > BAR_MAX ? BAR_MAX : (unsigned)cells, out);
            buf_put_u8(out, ' ');
        }
        buf_printf(out, "%3u%%", percent);
    }
    buf_put_bytes(out, buf_bytes(&tail));
    if (!out->err && out->len - start > width) {
        out->len = start + width;
        out->ptr[out->len] = 0;
    }
    buf_fini(&tail);
}

void progress_json(const struct progress *p, struct buf *out)
{
    buf_printf(out, "{\"Stage\":\"%s\",\"Percent\":%u", stage_word(p), progress_percent(p));
    if (p->left.known && p->stage != PROGRESS_LOST)
        buf_printf(out, ",\"Files\":%llu,\"Bytes\":%llu", (unsigned long long)p->left.files,
                   (unsigned long long)p->left.bytes);
    buf_put_str(out, "}");
}
