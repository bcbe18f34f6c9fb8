#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../unit/segment/frames.h"
#include "api/call.h"
#include "base/err.h"
#include "room/usersig.h"
#include "schema/json.h"
#include "segment/hls_writer.h"
#include "steps.h"
#include "task/task.h"
#include "upload/loop_clock.h"

#define PATIENCE (100 * SEC)
#define T0       (1735707617163 * MSEC)
#define ROBOT    "recorder_1"

struct world {
    const char *url;
    struct config *config;
    struct seal_key key;
    struct loop *control;
    struct rooms *rooms;
    struct store *store;
    struct delivery *delivery;
    struct spool *spool;
    struct spool_writer *writer;
    struct loop_clock *clock;
    struct uploader *uploader;
    struct tasks *tasks;
    struct recorder_stats recorded;
    bool ready; /* nothing more will be asked for */
    uv_timer_t look;
    usec_t until;

    struct task *task; /* the recording */
    struct sink *sink;
    struct hls_writer *hls;
    bool ended;
};

/* For the calls made here, which did not come through it. */
static struct api *api;
static struct api_ops ops;

static void must_be(int err, const char *what)
{
    if (err) {
        fprintf(stderr, "%s: %s\n", what, err_text(err));
        _exit(2);
    }
}

#define must(call) must_be(call, #call)

static bool receiver(void *ctx, uint32_t app, int group, struct outbox_receiver *out)
{
    const struct world *w = ctx;
    (void)app, (void)group;
    *out = (struct outbox_receiver){ .url = w->url, .schedule = SCHEDULE_DEFAULT };
    return true;
}

static usec_t mono(void *ctx)
{
    (void)ctx;
    return clock_mono();
}

static struct media_loop *no_media(void *ctx, uint64_t session)
{
    (void)ctx, (void)session;
    return NULL;
}

/* --- the recording: what recorder/output does, with media made by hand --- */

static void push_second(struct world *w, unsigned second)
{
    for (unsigned n = 0; n < 10; n++) {
        struct frame *f =
            make_video(T0 + second * SEC + n * 100 * MSEC, 400, 64, n ? 0 : FRAME_KEY | FRAME_SETS);
        must(hls_writer_push(w->hls, f));
        frame_unref(f);
    }
}

static void end_recording(struct world *w)
{
    w->ended = true;
    push_second(w, 2);
    must(hls_writer_finish(w->hls, true));
    hls_writer_free(w->hls);
    spool_sink_close(w->sink);
    task_end(w->task, LEAVE_API);
}

static void on_ready(void *ctx, const struct spool_ready *file)
{
    struct world *w = ctx;
    struct upload_task *u = w->task->upload;
    if (file->kind == SINK_SEGMENT) {
        must(upload_task_segment(u, file->name, file->playlist, file->bytes));
        return;
    }
    must(upload_task_playlist(u, file->name, file->fd, file->bytes, file->generation, file->last));
    if (!w->ended)
        end_recording(w);
}

static void on_failed(void *ctx, int err)
{
    (void)ctx;
    must(err);
}

static void on_drained(void *ctx)
{
    struct world *w = ctx;
    if (--w->task->outputs_open == 0 && w->task->state == TASK_ENDING)
        task_deliver(w->task);
    w->ready = true;
}

static const struct spool_events sink_events = { on_ready, on_failed, on_drained };

static void record(struct world *w)
{
    const struct tasks_config *c = &w->tasks->config;
    must(spool_sink_new(&w->sink, w->writer, w->task->folder, w->control, &sink_events, w));
    const struct hls_config hls = {
        .names = { .sdk_app_id = WORLD_APP, .room_id = "1", .user_id = "alice" },
        .streams = HLS_VIDEO,
        .target = SEC,
        .version = c->version,
        .date = c->date,
        .sink = w->sink
    };
    must(hls_writer_new(&w->hls, &hls, NULL));
    w->task->outputs_open++;
    push_second(w, 0);
    push_second(w, 1); /* its key frame ends the first segment */
}

static void on_created(void *ctx, struct http_answer *answer)
{
    struct world *w = ctx;
    http_answer_fini(answer);
    w->task = w->tasks->by_id;
    if (!w->task || answer->status != 200 || w->task->adrift)
        return; /* refused, or the world ends */
    note("created %s\n", w->task->id);
}

static struct create_params *params_new(void)
{
    char json[2048];
    struct buf sig;
    struct value *in;
    struct value_error error;
    struct api_problem problem = { 0 };
    struct create_params *params;
    buf_init(&sig, 1024);
    must(usersig_mint(WORLD_APP, bytes_str(ROBOT), bytes_str(WORLD_KEY), clock_wall(), 600, &sig));
    snprintf(json, sizeof json,
             "{\"SdkAppId\":%u,\"RoomId\":\"1\",\"RoomIdType\":1,\"UserId\":\"" ROBOT
             "\",\"UserSig\":\"%s\",\"RecordParams\":{\"RecordMode\":1,\"MaxIdleTime\":600},"
             "\"StorageParams\":{\"CloudStorage\":{\"Vendor\":1,\"Region\":\"local\",\"Bucket\":"
             "\"b\",\"AccessKey\":\"AK\",\"SecretKey\":\"SK\",\"FileNamePrefix\":[\"p\"]}}}",
             WORLD_APP, buf_str(&sig));
    buf_fini(&sig);
    must(value_from_json(&in, bytes_str(json), &error));
    int err = create_params_read(&params, in, 0, &problem);
    must_be(err, problem.detail);
    value_free(in);
    return params;
}

static void create(struct world *w)
{
    struct api_call *call = api_call_new(api, (struct api_reply){ on_created, w });
    ops.create(w->tasks, params_new(), call);
}

/* --- start and stop --- */

static void open_disk(struct world *w, const char *dir)
{
    char text[4096], path[4096];
    struct buf complaints;
    buf_init(&complaints, 1u << 16);
    snprintf(text, sizeof text,
             "{\"data\":\"%s\",\"apps\":[{\"sdk_app_id\":%u,\"key\":\"" WORLD_KEY "\","
             "\"callback\":{\"url\":\"%s\",\"key\":\"callbackKey01\"}}],"
             "\"credentials\":[{\"secret_id\":\"AKIDexample\",\"secret_key\":\"example\"}],"
             "\"storage\":[{\"region\":\"local\",\"dir\":\"%s/buckets\"}]}",
             dir, WORLD_APP, w->url, dir);
    int err = config_parse(&w->config, "world", bytes_str(text), &complaints);
    fputs(buf_str(&complaints), stderr);
    must(err);
    buf_fini(&complaints);
    memset(w->key.secret, 7, sizeof w->key.secret);
    snprintf(path, sizeof path, "%s/buckets", dir);
    int fd;
    must(dir_open(&fd, path));
    close(fd);
    snprintf(path, sizeof path, "%s/spool", dir);
    must(spool_open(&w->spool, path));
    must(spool_writer_new(&w->writer, &SPOOL_LIMITS_DEFAULT, NULL));
}

static void open_tasks(struct world *w)
{
    const struct rooms_limits rooms = ROOMS_DEFAULT_LIMITS;
    w->rooms = rooms_new(&rooms);
    const struct tasks_config tasks = { .config = w->config,
                                        .control = w->control,
                                        .rooms = w->rooms,
                                        .store = w->store,
                                        .delivery = w->delivery,
                                        .spool = w->spool,
                                        .writer = w->writer,
                                        .uploader = w->uploader,
                                        .recorded = &w->recorded,
                                        .key = &w->key,
                                        .version = "0000000",
                                        .date = "2025-01-01 00:00:00 +0800",
                                        .media_of = no_media };
    w->tasks = tasks_new(&tasks);
    ops = tasks_api_ops;
    ops.now = mono;
    const struct api_settings settings = { 0 };
    if (!api)
        api = api_new(&settings, &ops, NULL);
    must(w->tasks && api ? tasks_recover(w->tasks) : ERR_NOMEM);
}

static void open_world(void *ctx)
{
    struct world *w = ctx;
    char path[4096];
    snprintf(path, sizeof path, "%s/state.db", w->config->data);
    must(store_open(&w->store, path, &w->key, w->control));
    const struct delivery_settings delivery = { .receiver = receiver, .ctx = w };
    must(delivery_open(&w->delivery, w->control, w->store, &delivery));
    must(loop_clock_open(&w->clock, w->control));
    const struct upload_clock clock = loop_clock_of(w->clock);
    w->uploader = uploader_new(&clock, &UPLOAD_LIMITS_DEFAULT);
    loop_clock_attach(w->clock, w->uploader);
    open_tasks(w);
}

/* The steps of a life end where all is said and done. */
static void on_look(uv_timer_t *timer)
{
    struct world *w = timer->data;
    if (w->task && !w->sink && w->task->state == TASK_RUNNING)
        record(w);
    if (w->ready && tasks_count(w->tasks) == 0 && ledger_idle(w->tasks->ledger) &&
        delivery_waiting(w->delivery) == 0 && store_waiting(w->store) == 0)
        _exit(0);
    if (clock_mono() < w->until)
        return;
    fprintf(stderr, "what is left: %zu tasks, %zu files, %zu events, ledger %s, store %u\n",
            tasks_count(w->tasks), uploader_counts(w->uploader).files,
            delivery_waiting(w->delivery), ledger_idle(w->tasks->ledger) ? "idle" : "busy",
            store_waiting(w->store));
    _exit(3);
}

static void watch(void *ctx)
{
    struct world *w = ctx;
    w->until = clock_mono() + PATIENCE;
    uv_timer_init(loop_uv(w->control), &w->look);
    w->look.data = w;
    uv_timer_start(&w->look, on_look, 1, 1);
}

static void create_on_control(void *ctx)
{
    create(ctx);
}

static struct world *begin(const char *dir, const char *url)
{
    struct world *w = calloc(1, sizeof *w);
    w->url = url;
    log_setup(LOG_ERROR, false);
    open_disk(w, dir);
    must(loop_new(&w->control, "control", 4096));
    return w;
}

void world_run(const char *dir, const char *url, unsigned kill_at, unsigned stall_ms, int recording)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/notes", dir);
    notes_open(path);
    struct world *w = begin(dir, url);
    w->ready = !recording;
    steps_start(kill_at, stall_ms);
    loop_call(w->control, open_world, w);
    if (recording)
        loop_call(w->control, create_on_control, w);
    loop_call(w->control, watch, w);
    for (;;)
        pause();
}

/* --- stopping early --- */

static void close_world(void *ctx)
{
    struct world *w = ctx;
    create(w);
    tasks_free(w->tasks);
    delivery_close(w->delivery);
    uploader_free(w->uploader);
    loop_clock_close(w->clock);
    store_close(w->store);
}

static void free_world(void *ctx)
{
    struct world *w = ctx;
    rooms_free(w->rooms);
}

void world_stop_early(const char *dir, const char *url)
{
    struct world *w = begin(dir, url);
    loop_call(w->control, open_world, w);
    loop_call(w->control, close_world, w);
    loop_call(w->control, free_world, w);
    loop_free(w->control);
    spool_writer_free(w->writer);
    spool_close(w->spool);
    config_free(w->config);
    free(w);
}
