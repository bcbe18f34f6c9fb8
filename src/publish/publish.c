#include "publish/publish.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/err.h"
#include "media/h264_params.h"
#include "observe/log.h"
#include "publish/report.h"
#include "publish/source.h"

#define POLL_NS       (50 * 1000 * 1000)
#define LOOP_MAIL     16
#define FALLBACK_H264 "42e01f" /* profile-level-id: constrained baseline, level 3.1 */

/* What the main thread does with the loop's crowd, one call at a time. */
struct run {
    struct publish_args *args;
    struct loop *loop;
    struct source *source;
    struct crowd *crowd;
    char profile[7];
    int err;
    struct crowd_totals totals;
};

static void start_crowd(void *ctx)
{
    struct run *r = ctx;
    r->err = crowd_new(&r->crowd, r->loop, r->args, source_tape(r->source), r->profile);
}

static void ask_crowd(void *ctx)
{
    struct run *r = ctx;
    r->totals = crowd_totals(r->crowd);
}

static void send_away(void *ctx)
{
    struct run *r = ctx;
    crowd_leave(r->crowd);
}

static void close_crowd(void *ctx)
{
    struct run *r = ctx;
    crowd_close(r->crowd);
}

/* From the first key frame, which everyone sends. */
static void read_profile(struct run *r)
{
    struct tape_item item;
    struct h264_params params;
    bool changed;
    uint64_t first = 0;
    memcpy(r->profile, FALLBACK_H264, sizeof r->profile);
    if (!r->args->video ||
        tape_get(source_tape(r->source), MEDIA_VIDEO, &first, &item) != TAPE_ITEM)
        return;
    h264_params_init(&params);
    h264_params_update(&params, bytes_of(item.frame->data, item.frame->size), &changed);
    const struct h264_sps *sps = h264_params_sps(&params);
    if (sps)
        snprintf(r->profile, sizeof r->profile, "%02x%02x%02x", sps->profile, sps->constraints,
                 sps->level);
    frame_unref(item.frame);
}

/* The first signal ends all in good order, the second one at once. */
static void watch(struct run *r, const sigset_t *signals)
{
    struct report report;
    struct timespec wait = { .tv_nsec = POLL_NS };
    int asked = 0;
    report_init(&report, r->args, clock_mono());
    while (!crowd_over(r->crowd) && asked < 2) {
        if (sigtimedwait(signals, NULL, &wait) > 0 && ++asked == 1)
            loop_call(r->loop, send_away, r);
        usec_t now = clock_mono();
        if (now - report.last < SEC)
            continue;
        loop_call(r->loop, ask_crowd, r);
        report_second(&report, &r->totals, now);
    }
    loop_call(r->loop, ask_crowd, r);
    report_end(&report, &r->totals, clock_mono());
}

/* A socket each. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static sigset_t take_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

static int publish(struct publish_args *args)
{
    struct run r = { .args = args };
    sigset_t signals = take_signals();
    raise_file_limit();
    log_setup(LOG_ERROR, false);
    r.err = source_start(&r.source, args);
    if (!r.err) {
        read_profile(&r);
        r.err = loop_new(&r.loop, "publish", LOOP_MAIL);
    }
    if (!r.err)
        loop_call(r.loop, start_crowd, &r);
    if (r.err)
        fprintf(stderr, "reeltime publish: cannot start: %s\n", err_text(r.err));
    else
        watch(&r, &signals);
    if (r.loop)
        loop_call(r.loop, close_crowd, &r);
    loop_free(r.loop);
    crowd_free(r.crowd);
    source_stop(r.source);
    return !r.err && r.totals.done == args->count && r.totals.ever_connected == args->count ? 0 : 1;
}

int publish_main(int argc, char **argv)
{
    struct publish_args args;
    struct buf complaint;
    buf_init(&complaint, 1024);
    int status = 2;
    if (publish_args_parse(&args, argc, argv, &complaint))
        fprintf(stderr, "reeltime publish: %s\n(reeltime publish --help tells the options)\n",
                buf_str(&complaint));
    else if (args.help)
        status = fputs(publish_usage, stdout) < 0;
    else
        status = publish(&args);
    buf_fini(&complaint);
    return status;
}
