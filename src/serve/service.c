#include "serve/service.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/random.h"
#include "callback/room_body.h"
#include "io/file.h"
#include "io/http_server.h"
#include "recorder/stats.h"
#include "serve/build_info.h"
#include "serve/outgoing.h"
#include "serve/publishers.h"
#include "serve/room_callbacks.h"
#include "serve/routes.h"
#include "spool/media_file.h"
#include "task/tasks.h"
#include "upload/loop_clock.h"

#define MAILBOX         65536
#define MAX_CONNECTIONS 1000
#define REQUEST_TIME    (6 * SEC) /* api.md 1 */
#define PATH_SIZE       4096

struct service {
    const struct config *config;
    struct loop *control;
    struct seal_key key;
    struct dtls_identity *identity;
    struct spool *spool;
    struct spool_writer *writer;
    struct http_server *http;
    struct media_loop **loops;
    size_t loop_count; /* started */

    /* Control loop. */
    struct rooms *rooms;
    struct room_callbacks *room_callbacks;
    struct publishers *publishers;
    struct whip *whip;
    struct api *api;
    struct routes routes;
    struct store *store;
    struct delivery *delivery;
    struct loop_clock *clock;
    struct uploader *uploader;
    struct outgoing outgoing;
    struct tasks *tasks;
    struct recorder_stats recorded; /* added to by the media loops too */
    struct disk_watch *disk;
    struct named_loop *named; /* control, media, then audio */
    struct metrics_sources sources;

    pthread_mutex_t lock;
    pthread_cond_t drained_cond;
    bool drained; /* under lock */
};

static int data_path(const struct service *s, const char *name, char out[PATH_SIZE])
{
    int len = snprintf(out, PATH_SIZE, "%s/%s", s->config->data, name);
    return len > 0 && len < PATH_SIZE ? OK : ERR_LIMIT;
}

/* --- what the parts ask each other --- */

static usec_t mono_now(void *ctx)
{
    (void)ctx;
    return clock_mono();
}

static const struct config_receiver *receiver_in(const struct config_app *app, int group)
{
    switch (group) {
    case CALLBACK_GROUP_ROOM: return &app->room_callback;
    case CALLBACK_GROUP_MEDIA: return &app->media_callback;
    default: return &app->callback;
    }
}

static struct outbox_receiver receiver_as(const struct config_receiver *r)
{
    return (struct outbox_receiver){ .url = r->url,
                                     .insecure_tls = r->insecure_tls,
                                     .schedule = {
                                         .strict = r->strict,
                                         .max_age = (usec_t)r->max_hours * 3600 * SEC,
                                         .max_pause = (usec_t)r->max_pause * SEC,
                                     } };
}

static bool receiver_of(void *ctx, uint32_t sdk_app_id, int group, struct outbox_receiver *out)
{
    const struct service *s = ctx;
    for (size_t i = 0; i < s->config->apps.count; i++) {
        const struct config_app *app = &s->config->apps.items[i];
        const struct config_receiver *receiver = receiver_in(app, group);
        if (app->sdk_app_id == sdk_app_id && receiver->url) {
            *out = receiver_as(receiver);
            return true;
        }
    }
    return false;
}

static void on_timeout(void *ctx, struct http_answer *answer)
{
    char id[37];
    (void)ctx;
    random_uuid(id);
    http_answer_fini(answer);
    api_answer_error(answer, API_ENGLISH, API_INTERNAL_ERROR, "the request took too long", id);
}

/* --- start --- */

static int load_key(struct service *s)
{
    char path[PATH_SIZE];
    int err = seal_key_env(&s->key, "REELTIME_MASTER_KEY");
    if (err != ERR_NOT_FOUND)
        return err;
    if (s->config->master_key_file)
        return seal_key_load(&s->key, s->config->master_key_file);
    err = data_path(s, "master.key", path);
    return err ? err : seal_key_load(&s->key, path);
}

/* Made when missing. */
static int ensure_folder(const char *path)
{
    int fd, err = dir_open(&fd, path);
    if (!err)
        close(fd);
    return err;
}

static int finish_media(int dir, const char *name, uint64_t *bytes)
{
    struct media_file_summary summary;
    int err = media_file_finish(dir, name, &summary);
    if (!err)
        *bytes = summary.sum.bytes;
    return err;
}

static int open_disk(struct service *s)
{
    char path[PATH_SIZE];
    for (size_t i = 0; i < s->config->storage.count; i++) {
        const char *dir = s->config->storage.items[i].dir;
        if (dir && ensure_folder(dir))
            return ERR_IO;
    }
    int err = data_path(s, "spool", path);
    if (!err)
        err = spool_open(&s->spool, path);
    if (err == ERR_EXISTS)
        log_error(NULL, "%s is in use by another process", s->config->data);
    return err ? err : spool_writer_new(&s->writer, &SPOOL_LIMITS_DEFAULT, finish_media);
}

static struct tasks_config tasks_config_of(struct service *s)
{
    return (struct tasks_config){ .config = s->config,
                                  .control = s->control,
                                  .rooms = s->rooms,
                                  .store = s->store,
                                  .delivery = s->delivery,
                                  .spool = s->spool,
                                  .writer = s->writer,
                                  .uploader = s->uploader,
                                  .own_stores = s->outgoing.own,
                                  .named_stores = s->outgoing.guarded,
                                  .recorded = &s->recorded,
                                  .key = &s->key,
                                  .version = build_id(),
                                  .date = build_date(),
                                  .media_of = publishers_media_of,
                                  .ctx = s->publishers };
}

static int open_state(struct service *s)
{
    char path[PATH_SIZE];
    int err = data_path(s, "state.db", path);
    if (!err)
        err = store_open(&s->store, path, &s->key, s->control);
    const struct delivery_settings delivery = { .receiver = receiver_of, .ctx = s };
    if (!err)
        err = delivery_open(&s->delivery, s->control, s->store, &delivery);
    if (!err)
        err = loop_clock_open(&s->clock, s->control);
    if (!err)
        err = outgoing_open(&s->outgoing, s->config, s->control);
    if (err)
        return err;
    const struct upload_clock clock = loop_clock_of(s->clock);
    s->uploader = uploader_new(&clock, &UPLOAD_LIMITS_DEFAULT);
    if (!s->uploader)
        return ERR_NOMEM;
    loop_clock_attach(s->clock, s->uploader);
    return OK;
}

static int open_rooms(struct service *s)
{
    const struct config *c = s->config;
    const struct rooms_limits limits = { .rooms = c->limits.rooms,
                                         .users = c->limits.sessions,
                                         .publishers_per_room = c->limits.sessions_per_room };
    s->rooms = rooms_new(&limits);
    if (s->rooms)
        s->room_callbacks = room_callbacks_new(c, s->rooms, s->store, s->delivery);
    if (!s->room_callbacks)
        return ERR_NOMEM;
    const struct publishers_config publishers = { .config = c,
                                                  .rooms = s->rooms,
                                                  .identity = s->identity,
                                                  .loops = s->loops,
                                                  .loop_count = c->media.loops };
    s->publishers = publishers_new(&publishers);
    const struct whip_settings whip = { .node = c->node,
                                        .public_url = c->api.public_url,
                                        .link = "",
                                        .max_sessions = c->limits.sessions };
    if (s->publishers)
        s->whip = whip_new(&whip, &publishers_whip_ops, s->publishers);
    if (!s->whip)
        return ERR_NOMEM;
    publishers_set_whip(s->publishers, s->whip);
    return OK;
}

static struct api_ops api_ops;

static struct api_settings api_settings_of(const struct config *c)
{
    return (struct api_settings){
        .regions = (const char *const *)c->regions.items,
        .region_count = c->regions.count,
        .rates = { .per_action = (unsigned)c->api.requests_per_second,
                   .per_key = (unsigned)c->api.requests_per_second_key,
                   .per_region = (unsigned)c->api.requests_per_second_region,
                   .per_address = (unsigned)c->api.requests_per_second_address },
        .max_idle_s = c->record.max_idle,
        .lenient = !c->api.strict_parameters,
        .refuse_replays = c->api.refuse_replays,
    };
}

static int open_api(struct service *s)
{
    const struct tasks_config tasks = tasks_config_of(s);
    const struct api_settings settings = api_settings_of(s->config);
    s->tasks = tasks_new(&tasks);
    api_ops = tasks_api_ops;
    api_ops.now = mono_now;
    if (s->tasks)
        s->api = api_new(&settings, &api_ops, s->tasks);
    s->routes =
        (struct routes){ .api = s->api, .whip = s->whip, .prefix = s->config->api.path_prefix };
    int err = s->api ? tasks_recover(s->tasks) : ERR_NOMEM;
    return err ? err : tasks_auto_record(s->tasks);
}

struct call {
    struct service *service;
    int err;
};

static void start_on_control(void *ctx)
{
    struct call *call = ctx;
    struct service *s = call->service;
    call->err = open_state(s);
    if (!call->err)
        call->err = open_rooms(s);
    if (!call->err)
        call->err = open_api(s);
}

static int start_media(struct service *s)
{
    const struct config *c = s->config;
    for (size_t i = 0; i < c->media.loops; i++) {
        struct media_loop_config config = { .index = (unsigned)i,
                                            .max_sessions = (unsigned)c->limits.sessions,
                                            .identity = s->identity,
                                            .control = s->control,
                                            .event = publishers_event,
                                            .ctx = s->publishers };
        addr_parse(&config.listen, c->media.listen, (uint16_t)(c->media.port + i));
        int err = media_loop_start(&s->loops[i], &config);
        if (err)
            return err;
        s->loop_count++;
    }
    return OK;
}

/* --- what operators look at --- */

static void name_loop(struct service *s, size_t place, struct loop *loop, const char *kind,
                      size_t index)
{
    struct named_loop *named = &s->named[place];
    named->loop = loop;
    snprintf(named->name, sizeof named->name, "%s-%zu", kind, index);
}

static int name_loops(struct service *s)
{
    size_t count = s->loop_count;
    s->named = calloc(1 + 2 * count, sizeof *s->named);
    if (!s->named)
        return ERR_NOMEM;
    s->named[0] = (struct named_loop){ "control", s->control };
    for (size_t i = 0; i < count; i++) {
        name_loop(s, 1 + i, media_loop_thread(s->loops[i]), "media", i);
        name_loop(s, 1 + count + i, media_loop_worker(s->loops[i]), "audio", i);
    }
    return OK;
}

static struct metrics_sources sources_of(const struct service *s)
{
    return (struct metrics_sources){ .revision = build_id(),
                                     .date = build_date(),
                                     .started = clock_wall(),
                                     .reserve = s->config->limits.disk_reserve_mib << 20,
                                     .tasks = s->tasks,
                                     .rooms = s->rooms,
                                     .publishers = s->publishers,
                                     .whip = &s->routes.whip_stats,
                                     .media = s->loops,
                                     .media_count = s->loop_count,
                                     .recorded = &s->recorded,
                                     .writer = s->writer,
                                     .disk = s->disk,
                                     .uploader = s->uploader,
                                     .delivery = s->delivery,
                                     .api = s->api,
                                     .store = s->store,
                                     .loops = s->named,
                                     .loop_count = 1 + 2 * s->loop_count };
}

static void watch_on_control(void *ctx)
{
    struct call *call = ctx;
    struct service *s = call->service;
    const struct disk_watch_config disk = { .loop = s->control,
                                            .path = s->config->data,
                                            .spool = s->spool,
                                            .reserve = s->config->limits.disk_reserve_mib << 20 };
    call->err = name_loops(s);
    if (!call->err)
        call->err = disk_watch_open(&s->disk, &disk);
    s->sources = sources_of(s);
    s->routes.disk = s->disk;
    s->routes.metrics = s->config->api.metrics ? &s->sources : NULL;
    s->routes.watched = s->named;
    s->routes.watched_count = 1 + s->loop_count;
}

static int start_watching(struct service *s)
{
    struct call call = { s, OK };
    loop_call(s->control, watch_on_control, &call);
    return call.err;
}

static void ready_on_control(void *ctx)
{
    struct service *s = ctx;
    s->routes.ready = true;
}

/* --- HTTP --- */

/* A PEM file as text; NULL: not readable (logged). */
static char *read_pem(const char *path)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 ? ERR_IO : file_read_fd(&text, fd);
    if (err)
        log_error(NULL, "cannot read %s: %s", path, fd < 0 ? strerror(errno) : err_text(err));
    if (fd >= 0)
        close(fd);
    if (err) {
        buf_fini(&text);
        return NULL;
    }
    return buf_detach(&text);
}

static int start_http(struct service *s)
{
    const struct config *c = s->config;
    bool tls = c->api.tls.cert != NULL;
    char *cert = tls ? read_pem(c->api.tls.cert) : NULL,
         *key = tls ? read_pem(c->api.tls.key) : NULL;
    struct http_server_config config = { .tls_cert = cert,
                                         .tls_key = key,
                                         .max_body = API_MAX_BODY,
                                         .max_connections = MAX_CONNECTIONS,
                                         .timeout = REQUEST_TIME,
                                         .at_once = routes_at_once,
                                         .home = s->control,
                                         .ctx = &s->routes,
                                         .handle = routes_handle,
                                         .on_timeout = on_timeout };
    addr_parse_hostport(&config.listen, c->api.listen);
    int err = tls && (!cert || !key) ? ERR_IO : http_server_start(&s->http, &config);
    if (key)
        explicit_bzero(key, strlen(key));
    free(cert);
    free(key);
    return err;
}

static int start_parts(struct service *s)
{
    struct call call = { s, OK };
    int err = ensure_folder(s->config->data);
    if (!err)
        err = load_key(s);
    if (!err)
        err = dtls_identity_new(&s->identity);
    if (!err)
        err = open_disk(s);
    if (!err)
        err = loop_new(&s->control, "control", MAILBOX);
    if (err)
        return err;
    loop_call(s->control, start_on_control, &call);
    err = call.err;
    if (!err)
        err = start_media(s);
    if (!err)
        err = start_watching(s);
    if (!err)
        err = start_http(s);
    if (!err)
        loop_call(s->control, ready_on_control, s);
    return err;
}

int service_start(struct service **out, const struct config *config)
{
    struct service *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->config = config;
    s->loops = calloc(config->media.loops, sizeof *s->loops);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->drained_cond, NULL);
    int err = s->loops ? start_parts(s) : ERR_NOMEM;
    if (err) {
        log_error(NULL, "cannot start: %s", err_text(err));
        service_stop(s);
        return err;
    }
    *out = s;
    return OK;
}

/* --- stop --- */

static void on_drained(void *ctx)
{
    struct service *s = ctx;
    pthread_mutex_lock(&s->lock);
    s->drained = true;
    pthread_cond_signal(&s->drained_cond);
    pthread_mutex_unlock(&s->lock);
}

static void drain_on_control(void *ctx)
{
    struct service *s = ctx;
    s->routes.draining = true;
    if (s->publishers)
        publishers_drain(s->publishers);
    if (s->tasks)
        tasks_shutdown(s->tasks, on_drained, s);
    else
        on_drained(s);
    if (s->rooms)
        rooms_leave_all(s->rooms, ROOM_EXIT_REMOVED);
}

static void wait_drained(struct service *s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SERVICE_STOP_SECONDS;
    pthread_mutex_lock(&s->lock);
    while (!s->drained)
        if (pthread_cond_timedwait(&s->drained_cond, &s->lock, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&s->lock);
}

/* A task that was still starting when the time to drain was over may want to record now. */
static void let_go_of_media(void *ctx)
{
    struct service *s = ctx;
    if (s->publishers)
        publishers_let_go(s->publishers);
}

static void nothing(void *ctx)
{
    (void)ctx; /* whatever was posted before has run */
}

/* What the media loops told last closes sinks, so it runs before the disk writers end. */
static void stop_media(struct service *s)
{
    if (s->control)
        loop_call(s->control, let_go_of_media, s);
    for (size_t i = 0; i < s->loop_count; i++)
        media_loop_stop(s->loops[i]);
    if (s->control)
        loop_call(s->control, nothing, NULL);
}

static void stop_on_control(void *ctx)
{
    struct service *s = ctx;
    disk_watch_close(s->disk);
    tasks_free(s->tasks);
    room_callbacks_end(s->room_callbacks);
    outgoing_close(&s->outgoing);
    delivery_close(s->delivery);
    uploader_free(s->uploader);
    if (s->clock)
        loop_clock_close(s->clock);
    store_close(s->store);
}

/* A turn of the control loop later, when what the parts above had posted has run. */
static void free_on_control(void *ctx)
{
    struct service *s = ctx;
    api_free(s->api);
    whip_free(s->whip);
    publishers_free(s->publishers);
    room_callbacks_free(s->room_callbacks);
    rooms_free(s->rooms);
}

static void stop_control(struct service *s)
{
    if (!s->control)
        return;
    loop_call(s->control, stop_on_control, s);
    loop_call(s->control, free_on_control, s);
    loop_free(s->control);
}

void service_stop(struct service *s)
{
    if (!s)
        return;
    if (s->control) {
        loop_call(s->control, drain_on_control, s);
        wait_drained(s);
    }
    http_server_stop(s->http);
    stop_media(s);
    spool_writer_free(s->writer);
    stop_control(s);
    spool_close(s->spool);
    dtls_identity_free(s->identity);
    seal_key_wipe(&s->key);
    pthread_cond_destroy(&s->drained_cond);
    pthread_mutex_destroy(&s->lock);
    free(s->named);
    free(s->loops);
    free(s);
}
