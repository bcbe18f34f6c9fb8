#include "serve/metrics_page.h"

#include <stdio.h>

#include "base/err.h"
#include "observe/process.h"
#include "serve/metrics_table.h"

static double seconds(usec_t t)
{
    return (double)t / SEC;
}

static void add(struct scrape *s, unsigned metric, uint64_t value)
{
    scrape_add(s, metric, NO_LABELS, (double)value);
}

static void add_by(struct scrape *s, unsigned metric, const char *label, uint64_t value)
{
    scrape_add(s, metric, LABELS(label), (double)value);
}

/* --- who is there --- */

static void add_people(struct scrape *s, const struct metrics_sources *from)
{
    struct task_counts tasks = tasks_counts(from->tasks);
    add_by(s, M_TASKS, "starting", tasks.starting);
    add_by(s, M_TASKS, "idle", tasks.idle);
    add_by(s, M_TASKS, "recording", tasks.recording);
    add_by(s, M_TASKS, "ending", tasks.ending);
    add_by(s, M_TASKS, "left", tasks.left);
    add(s, M_ROOMS, rooms_count(from->rooms));

    static const char *const ends[] = { [SESSION_CLOSED] = "closed",
                                        [SESSION_CLOSED_PEER] = "publisher",
                                        [SESSION_LOST] = "lost",
                                        [SESSION_FAILED] = "failed" };
    const struct publishers_stats *stats = publishers_stats(from->publishers);
    add(s, M_SESSIONS, publishers_count(from->publishers));
    for (int end = SESSION_CLOSED; end <= SESSION_FAILED; end++)
        add_by(s, M_SESSIONS_ENDED, ends[end], stats->ended[end]);
}

static void add_whip(struct scrape *s, const struct whip_stats *stats)
{
    for (int status = 0; status < WHIP_STATUSES; status++) {
        char label[8];
        snprintf(label, sizeof label, "%d", status);
        if (stats->answers[status])
            add_by(s, M_WHIP_REQUESTS, label, stats->answers[status]);
    }
}

/* --- what arrives --- */

static void add_received(struct scrape *s, enum media_kind kind, const struct receiver_stats *r)
{
    const struct metric_labels by = LABELS(kind == MEDIA_AUDIO ? "audio" : "video");
    const struct {
        unsigned metric;
        uint64_t value;
    } rows[] = {
        { M_RTP_PACKETS, r->packets },     { M_RTP_BYTES, r->bytes },
        { M_RTP_LOST, r->lost },           { M_RTP_RECOVERED, r->recovered },
        { M_RTP_REORDERED, r->reordered }, { M_RTP_DUPLICATES, r->duplicates },
        { M_RTP_NACKS, r->nacks },         { M_RTP_MALFORMED, r->malformed + r->foreign },
        { M_FRAMES, r->frames },           { M_FRAMES_DAMAGED, r->damaged },
        { M_FRAMES_DROPPED, r->dropped },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        scrape_add(s, rows[i].metric, by, (double)rows[i].value);
    if (kind == MEDIA_VIDEO) {
        add(s, M_KEY_FRAMES, r->keys);
        add(s, M_KEY_REQUESTS, r->plis);
    }
}

static void add_rejected(struct scrape *s, const struct peer_stats *p)
{
    add_by(s, M_SRTP_REJECTED, "auth", p->not_authentic);
    add_by(s, M_SRTP_REJECTED, "replay", p->replayed);
    add_by(s, M_SRTP_REJECTED, "early", p->early);
    add_by(s, M_SRTP_REJECTED, "address", p->unknown_address);
    add_by(s, M_SRTP_REJECTED, "limit", p->over_limit);
    add_by(s, M_SRTP_REJECTED, "malformed", p->malformed);
}

static void add_port(struct scrape *s, const char *loop, const struct media_stats *m)
{
    add_by(s, M_UDP_RECEIVED, loop, m->udp.received);
    add_by(s, M_UDP_SENT, loop, m->udp.sent);
    add_by(s, M_UDP_OVERFLOWS, loop, m->udp.overflowed);
    add_by(s, M_UDP_SEND_FAILURES, loop, m->udp.send_failed);
    scrape_add(s, M_UDP_DROPPED, LABELS(loop, "too_large"), (double)m->udp.too_large);
    scrape_add(s, M_UDP_DROPPED, LABELS(loop, "unknown"), (double)m->nobodys);
    add_by(s, M_AAC_WAITING, loop, m->sessions.aac.waiting);
    add_by(s, M_AAC_DROPPED, loop, m->sessions.aac.dropped);
}

static void add_media(struct scrape *s, const struct metrics_sources *from)
{
    for (size_t i = 0; i < from->media_count; i++) {
        struct media_stats stats;
        char loop[32];
        snprintf(loop, sizeof loop, "media-%zu", i);
        media_loop_stats(from->media[i], &stats);
        for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
            add_received(s, (enum media_kind)kind, &stats.sessions.received[kind]);
        add_rejected(s, &stats.sessions.peer);
        add_port(s, loop, &stats);
    }
}

/* --- what is written --- */

static void add_recorded(struct scrape *s, const struct recorder_stats *r)
{
    static const char *const types[] = {
        [NAMES_AUDIO] = "audio", [NAMES_VIDEO] = "video", [NAMES_AUDIO_VIDEO] = "audio_video"
    };
    static const char *const gaps[] = { [HLS_GAP_MEDIA] = "media",
                                        [HLS_GAP_STEP] = "step",
                                        [HLS_GAP_OVERFLOW] = "overflow",
                                        [HLS_GAP_DAMAGE] = "damage" };
    for (int i = 0; i < RECORDER_TYPES; i++) {
        add_by(s, M_RECORDED_SEGMENTS, types[i], counter_get(&r->segments[i]));
        add_by(s, M_RECORDED_BYTES, types[i], counter_get(&r->bytes[i]));
    }
    for (int i = 0; i < RECORDER_GAPS; i++) {
        add_by(s, M_GAPS, gaps[i], counter_get(&r->gaps[i]));
        scrape_add(s, M_GAP_SECONDS, LABELS(gaps[i]), seconds((usec_t)counter_get(&r->missing[i])));
    }
    add(s, M_RECORDED_FRAMES, counter_get(&r->written));
    add_by(s, M_RECORDED_DROPPED, "waiting", counter_get(&r->waiting));
    add_by(s, M_RECORDED_DROPPED, "late", counter_get(&r->late));
    add_by(s, M_RECORDED_DROPPED, "broken", counter_get(&r->broken));
}

static void add_disk(struct scrape *s, const struct metrics_sources *from)
{
    struct disk_usage disk = disk_watch_usage(from->disk);
    add(s, M_SPOOL_BYTES, disk.spool);
    add(s, M_SPOOL_QUEUE, spool_writer_bytes(from->writer));
    add(s, M_SPOOL_OVERFLOWS, spool_writer_overflows(from->writer));
    add(s, M_DISK_FREE, disk.free);
    add(s, M_DISK_SIZE, disk.size);
    add(s, M_DISK_RESERVE, from->reserve);
}

/* --- what leaves --- */

static void add_uploads(struct scrape *s, const struct uploader *uploader)
{
    static const char *const results[] = {
        [UPLOAD_OK] = "ok",
        [UPLOAD_RETRY] = "retry",
        [UPLOAD_DENIED] = "denied",
        [UPLOAD_NO_BUCKET] = "no_bucket",
        [UPLOAD_UNTRUSTED] = "untrusted",
        [UPLOAD_BAD_REQUEST] = "bad_request",
        [UPLOAD_LOCAL_GONE] = "local_gone",
    };
    struct upload_counts counts = uploader_counts(uploader);
    const struct uploader_stats *stats = uploader_stats(uploader);
    add(s, M_UPLOAD_FILES, counts.files);
    add(s, M_UPLOAD_BYTES, counts.bytes);
    scrape_add(s, M_UPLOAD_FAILING, NO_LABELS,
               counts.failing_since == USEC_UNSET ? 0
                                                  : seconds(clock_mono() - counts.failing_since));
    for (int i = 0; i < UPLOAD_RESULTS; i++)
        add_by(s, M_UPLOADS, results[i], counter_get(&stats->results[i]));
    add(s, M_UPLOADED_BYTES, counter_get(&stats->bytes));
    scrape_durations(s, M_UPLOAD_TIME, NO_LABELS, &stats->took);
}

static void add_callbacks(struct scrape *s, const struct delivery *delivery)
{
    const struct outbox_stats *stats = delivery_stats(delivery);
    add(s, M_CALLBACKS_WAITING, delivery_waiting(delivery));
    add_by(s, M_CALLBACKS, "delivered", stats->delivered);
    add_by(s, M_CALLBACKS, "failed", stats->failed);
    add_by(s, M_CALLBACKS, "given_up", stats->given_up);
    add_by(s, M_CALLBACKS, "dropped", stats->no_receiver);
}

static void add_api(struct scrape *s, const struct api_stats *stats)
{
    for (size_t i = 0; i < stats->count; i++) {
        const struct api_count *c = &stats->counts[i];
        scrape_add(s, M_API_REQUESTS, LABELS(api_action_names[c->action], c->code),
                   (double)c->requests);
    }
    for (int i = 0; i < API_ACTIONS; i++)
        scrape_durations(s, M_API_TIME, LABELS(api_action_names[i]), &stats->took[i]);
}

/* --- the engine room --- */

static void add_store(struct scrape *s, struct store *store)
{
    const struct store_stats *stats = store_stats(store);
    add(s, M_STORE_WAITING, store_waiting(store));
    scrape_durations(s, M_STORE_TIME, NO_LABELS, &stats->commits);
    add(s, M_STORE_FAILURES, counter_get(&stats->failures));
}

static void add_loops(struct scrape *s, const struct metrics_sources *from)
{
    for (size_t i = 0; i < from->loop_count; i++) {
        const struct named_loop *l = &from->loops[i];
        usec_t silence = clock_mono() - loop_pulse(l->loop);
        add_by(s, M_LOOP_WAITING, l->name, loop_waiting(l->loop));
        scrape_add(s, M_LOOP_SILENCE, LABELS(l->name), silence > 0 ? seconds(silence) : 0);
    }
}

static void add_process(struct scrape *s, const struct metrics_sources *from)
{
    struct process_stats process;
    process_read(&process);
    scrape_add(s, M_BUILD, LABELS(from->revision, from->date), 1);
    add(s, M_MEMORY, process.resident);
    add(s, M_OPEN_FDS, process.open_fds);
    add(s, M_MAX_FDS, process.max_fds);
    scrape_add(s, M_CPU, NO_LABELS, seconds(process.cpu));
    scrape_add(s, M_START_TIME, NO_LABELS, seconds(from->started));
}

int metrics_page(const struct metrics_sources *from, struct buf *out)
{
    struct scrape *s = scrape_new(metrics_table, METRICS);
    if (!s)
        return ERR_NOMEM;
    add_people(s, from);
    add_whip(s, from->whip);
    add_media(s, from);
    add_recorded(s, from->recorded);
    add_disk(s, from);
    add_uploads(s, from->uploader);
    add_callbacks(s, from->delivery);
    add_api(s, api_stats(from->api));
    add_store(s, from->store);
    add_loops(s, from);
    add_process(s, from);
    int err = scrape_print(s, out);
    scrape_free(s);
    return err;
}
