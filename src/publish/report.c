#include "publish/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

void report_init(struct report *r, const struct publish_args *args, usec_t now)
{
    *r = (struct report){ .args = args, .start = now, .last = now };
    r->terminal = isatty(STDOUT_FILENO);
}

static double seconds(usec_t t)
{
    return (double)t / SEC;
}

static double per_second(uint64_t now, uint64_t before, usec_t time)
{
    return time > 0 ? (double)(now - before) / seconds(time) : 0;
}

static void print_counters(const struct publisher_stats *s)
{
    printf("\"audio_frames\":%" PRIu64 ",\"video_frames\":%" PRIu64 ",\"packets\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"nacked\":%" PRIu64 ",\"resent\":%" PRIu64 ",\"plis\":%" PRIu64
           ",\"lost\":%" PRIu64,
           s->frames[MEDIA_AUDIO], s->frames[MEDIA_VIDEO], s->packets, s->bytes, s->nacked,
           s->resent, s->plis, s->lost);
}

static void print_json(const char *event, const struct report *r, const struct crowd_totals *t,
                       usec_t since, const struct publisher_stats *before, usec_t now)
{
    printf("{\"event\":\"%s\",\"seconds\":%.1f,\"users\":%u,\"connected\":%u,\"done\":%u,"
           "\"failed\":%u,\"packets_per_second\":%.0f,\"bits_per_second\":%.0f,",
           event, seconds(now - r->start), r->args->count, t->connected, t->done, t->failed,
           per_second(t->sums.packets, before->packets, since),
           8 * per_second(t->sums.bytes, before->bytes, since));
    print_counters(&t->sums);
    puts("}");
    fflush(stdout);
}

static void print_line(struct report *r, const struct crowd_totals *t, usec_t now)
{
    const struct publisher_stats *s = &t->sums, *b = &r->before.sums;
    printf("\r\033[K%4.0f s  %u of %u connected%s  %.0f packets/s  %.2f Mbit/s  NACK %" PRIu64
           "  PLI %" PRIu64 "  lost %" PRIu64,
           seconds(now - r->start), t->connected, r->args->count, t->failed ? " (some failed)" : "",
           per_second(s->packets, b->packets, now - r->last),
           8e-6 * per_second(s->bytes, b->bytes, now - r->last), s->nacked, s->plis, s->lost);
    fflush(stdout);
    r->open_line = true;
}

void report_second(struct report *r, const struct crowd_totals *t, usec_t now)
{
    if (r->args->json)
        print_json("second", r, t, now - r->last, &r->before.sums, now);
    else if (r->terminal)
        print_line(r, t, now);
    r->before = *t;
    r->last = now;
}

void report_end(struct report *r, const struct crowd_totals *t, usec_t now)
{
    const struct publisher_stats *s = &t->sums;
    if (r->args->json) {
        print_json("end", r, t, now - r->start, &(struct publisher_stats){ { 0 } }, now);
        return;
    }
    printf("%s%u of %u users sent everything in %.1f s: %" PRIu64 " pictures, %" PRIu64
           " sound packets, %" PRIu64 " RTP packets, %.2f MB; asked again for %" PRIu64
           " packets (%" PRIu64 " sent again) and %" PRIu64 " key frames, lost %" PRIu64 "\n",
           r->open_line ? "\n" : "", t->done, r->args->count, seconds(now - r->start),
           s->frames[MEDIA_VIDEO], s->frames[MEDIA_AUDIO], s->packets, (double)s->bytes / 1e6,
           s->nacked, s->resent, s->plis, s->lost);
}
