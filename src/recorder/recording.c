#include "recorder/recording.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "observe/log.h"

/* The outputs that a stream may have. */
static const struct slot {
    enum recording_form form;
    enum names_type type;
    bool has[2]; /* by enum media_kind */
} slots[] = {
    { RECORDING_HLS, NAMES_AUDIO, { [MEDIA_AUDIO] = true } },
    { RECORDING_HLS, NAMES_VIDEO, { [MEDIA_VIDEO] = true } },
    { RECORDING_HLS, NAMES_AUDIO_VIDEO, { true, true } },
    { RECORDING_MP4, NAMES_AUDIO_VIDEO, { true, true } },
    { RECORDING_AAC, NAMES_AUDIO, { [MEDIA_AUDIO] = true } },
};
enum { SLOTS = sizeof slots / sizeof *slots };

/* One stream of an anchor. */
struct stream {
    uint64_t session;                       /* 0: not published now */
    bool has[2];                            /* by enum media_kind: what the session negotiated */
    bool live[2];                           /* by enum media_kind: what arrives */
    struct output *outputs[SLOTS];          /* NULL: none yet */
    struct recording_source pointed[SLOTS]; /* at what each output points; session 0: at nothing */
};

struct anchor {
    struct link
        in_order; /* recording.anchors, by order of entry; those who left keep their outputs */
    char *user;
    bool selected[2]; /* by enum media_kind: the lists' word, while present */
    bool placed;
    struct stream streams[2]; /* by enum names_media */
};

struct recording {
    struct recording_config config;
    const struct recording_ops *ops;
    void *ctx;
    struct list anchors; /* struct anchor, by .in_order */
    size_t anchor_count;
    struct { /* the lists' question and answer: room for all anchors */
        const char **users;
        bool *wanted;
        size_t size;
    } asked;
    unsigned outputs;
    bool full; /* logged */
    bool ended;
};

struct recording *recording_new(const struct recording_config *config,
                                const struct recording_ops *ops, void *ctx)
{
    struct recording *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->config = *config;
    r->ops = ops;
    r->ctx = ctx;
    list_init(&r->anchors);
    return r;
}

static void anchor_free(struct recording *r, struct anchor *a)
{
    r->anchor_count--;
    list_remove(&a->in_order);
    free(a->user);
    free(a);
}

void recording_free(struct recording *r)
{
    if (!r)
        return;
    list_each(a, &r->anchors, struct anchor, in_order) anchor_free(r, a);
    free(r->asked.users);
    free(r->asked.wanted);
    free(r);
}

static bool present(const struct anchor *a)
{
    return a->streams[NAMES_MAIN].session || a->streams[NAMES_AUX].session;
}

/* Asks the lists about everybody at once: their cost is per question, and an entry may depend on
 * who else is there. */
static void select_anchors(struct recording *r, enum media_kind kind)
{
    size_t count = 0;
    list_each(a, &r->anchors, struct anchor, in_order) if (present(a)) r->asked.users[count++] =
        a->user;
    if (!count)
        return;
    r->ops->select(r->ctx, kind, r->asked.users, count, r->asked.wanted);
    count = 0;
    list_each(a, &r->anchors, struct anchor, in_order) if (present(a)) a->selected[kind] =
        r->asked.wanted[count++];
}

/* Whether the task records this medium of this stream, places left aside. */
static bool wanted(const struct recording *r, const struct anchor *a, enum names_media media,
                   enum media_kind kind)
{
    const struct stream *s = &a->streams[media];
    return s->session && s->has[kind] && r->config.takes[media][kind] && a->selected[kind];
}

static bool wanted_at_all(const struct recording *r, const struct anchor *a)
{
    for (int media = NAMES_MAIN; media <= NAMES_AUX; media++)
        if (wanted(r, a, media, MEDIA_AUDIO) || wanted(r, a, media, MEDIA_VIDEO))
            return true;
    return false;
}

static void assign_places(struct recording *r)
{
    unsigned taken = 0;
    list_each(a, &r->anchors, struct anchor, in_order)
    {
        a->placed = a->placed && wanted_at_all(r, a);
        taken += a->placed;
    }
    list_each(a, &r->anchors, struct anchor, in_order)
    {
        if (taken == r->config.max_anchors)
            break;
        if (!a->placed && wanted_at_all(r, a)) {
            a->placed = true;
            taken++;
        }
    }
}

/* Which outputs serve a stream: the playlists are separate ones, or one for both media. Sound
 * belongs to the main stream, so a merged aux is video alone (files.md 1). */
static bool serves(const struct recording *r, enum names_media media, const struct slot *slot)
{
    bool merged = r->config.merge && media == NAMES_MAIN;
    return r->config.forms[slot->form] &&
           (slot->form != RECORDING_HLS || merged == (slot->type == NAMES_AUDIO_VIDEO));
}

/* The file of an aux stream holds its sound only when the main stream has no picture that would be
 * missing its own (files.md 1). */
static bool takes_sound(const struct anchor *a, enum names_media media, const struct slot *slot)
{
    const struct stream *main = &a->streams[NAMES_MAIN];
    return slot->has[MEDIA_AUDIO] && !(slot->form == RECORDING_MP4 && media == NAMES_AUX &&
                                       main->session && main->has[MEDIA_VIDEO]);
}

static bool open_output(struct recording *r, struct anchor *a, enum names_media media, int at)
{
    struct output **slot = &a->streams[media].outputs[at];
    if (*slot)
        return true;
    if (r->outputs == RECORDING_MAX_OUTPUTS) {
        if (!r->full)
            log_warn(NULL, "a task has made %d outputs, its limit: newcomers are not recorded",
                     RECORDING_MAX_OUTPUTS);
        r->full = true;
        return false;
    }
    *slot = r->ops->open(r->ctx, a->user, media, slots[at].form, slots[at].type);
    r->outputs += *slot != NULL;
    return *slot != NULL;
}

static void point_output(struct recording *r, struct anchor *a, enum names_media media, int at)
{
    const struct slot *slot = &slots[at];
    struct stream *s = &a->streams[media];
    struct recording_source source = { 0 };
    if (a->placed && serves(r, media, slot)) {
        source.audio = takes_sound(a, media, slot) && wanted(r, a, media, MEDIA_AUDIO);
        source.video = slot->has[MEDIA_VIDEO] && wanted(r, a, media, MEDIA_VIDEO);
        source.session = source.audio || source.video ? s->session : 0;
    }
    struct recording_source *now = &s->pointed[at];
    if (now->session == source.session && now->audio == source.audio && now->video == source.video)
        return;
    if (source.session && !open_output(r, a, media, at))
        return;
    *now = source;
    r->ops->point(r->ctx, s->outputs[at], source.session ? &source : NULL);
}

static void update(struct recording *r)
{
    if (r->ended)
        return;
    select_anchors(r, MEDIA_AUDIO);
    select_anchors(r, MEDIA_VIDEO);
    assign_places(r);
    list_each(a, &r->anchors, struct anchor,
              in_order) for (int media = NAMES_MAIN; media <= NAMES_AUX;
                             media++) for (int at = 0; at < SLOTS; at++)
        point_output(r, a, media, at);
}

static struct anchor *find(struct recording *r, const char *user)
{
    list_each(a, &r->anchors, struct anchor, in_order) if (strcmp(a->user, user) == 0) return a;
    return NULL;
}

static bool make_room(struct recording *r)
{
    if (r->anchor_count < r->asked.size)
        return true;
    size_t size = r->asked.size ? 2 * r->asked.size : 32;
    const char **users = realloc(r->asked.users, size * sizeof *users);
    r->asked.users = users ? users : r->asked.users;
    bool *wanted = realloc(r->asked.wanted, size * sizeof *wanted);
    r->asked.wanted = wanted ? wanted : r->asked.wanted;
    if (!users || !wanted)
        return false;
    r->asked.size = size;
    return true;
}

static struct anchor *find_or_add(struct recording *r, const char *user)
{
    struct anchor *a = find(r, user);
    if (a) {
        if (!present(a)) { /* entered again: last in the order */
            list_remove(&a->in_order);
            list_append(&r->anchors, &a->in_order);
        }
        return a;
    }
    a = make_room(r) ? calloc(1, sizeof *a) : NULL;
    if (!a)
        return NULL;
    a->user = strdup(user);
    if (!a->user) {
        free(a);
        return NULL;
    }
    list_append(&r->anchors, &a->in_order);
    r->anchor_count++;
    return a;
}

int recording_publish(struct recording *r, const struct recording_stream *stream)
{
    struct anchor *a = find_or_add(r, stream->user);
    if (!a)
        return ERR_NOMEM;
    struct stream *s = &a->streams[stream->media];
    s->session = stream->session;
    s->has[MEDIA_AUDIO] = stream->audio;
    s->has[MEDIA_VIDEO] = stream->video;
    s->live[MEDIA_AUDIO] = s->live[MEDIA_VIDEO] = false;
    update(r);
    return OK;
}

static bool has_outputs(const struct anchor *a)
{
    for (int media = NAMES_MAIN; media <= NAMES_AUX; media++)
        for (int at = 0; at < SLOTS; at++)
            if (a->streams[media].outputs[at])
                return true;
    return false;
}

static struct stream *find_session(const struct recording *r, uint64_t session,
                                   struct anchor **owner)
{
    list_each(a, &r->anchors, struct anchor,
              in_order) for (int media = NAMES_MAIN; media <= NAMES_AUX;
                             media++) if (a->streams[media].session == session)
    {
        *owner = a;
        return &a->streams[media];
    }
    return NULL;
}

void recording_unpublish(struct recording *r, uint64_t session)
{
    struct anchor *a;
    struct stream *s = find_session(r, session, &a);
    if (!s)
        return;
    s->session = 0;
    s->live[MEDIA_AUDIO] = s->live[MEDIA_VIDEO] = false;
    update(r);
    if (!present(a) && !has_outputs(a))
        anchor_free(r, a);
}

void recording_media(struct recording *r, uint64_t session, enum media_kind kind, bool live)
{
    struct anchor *a;
    struct stream *s = find_session(r, session, &a);
    if (s)
        s->live[kind] = live;
}

void recording_resubscribe(struct recording *r)
{
    update(r);
}

void recording_end(struct recording *r)
{
    if (r->ended)
        return;
    r->ended = true;
    list_each(a, &r->anchors, struct anchor,
              in_order) for (int media = NAMES_MAIN; media <= NAMES_AUX;
                             media++) for (int at = 0; at < SLOTS;
                                           at++) if (a->streams[media].outputs[at])
        r->ops->end(r->ctx, a->streams[media].outputs[at]);
}

static bool stream_live(const struct stream *s)
{
    for (int at = 0; at < SLOTS; at++) {
        const struct recording_source *p = &s->pointed[at];
        if (p->session &&
            ((p->audio && s->live[MEDIA_AUDIO]) || (p->video && s->live[MEDIA_VIDEO])))
            return true;
    }
    return false;
}

bool recording_live(const struct recording *r)
{
    if (r->ended)
        return false;
    list_each(a, &r->anchors, struct anchor,
              in_order) if (stream_live(&a->streams[NAMES_MAIN]) ||
                            stream_live(&a->streams[NAMES_AUX])) return true;
    return false;
}

bool recording_attended(const struct recording *r)
{
    list_each(a, &r->anchors, struct anchor, in_order) if (present(a)) return true;
    return false;
}

unsigned recording_places(const struct recording *r)
{
    unsigned count = 0;
    list_each(a, &r->anchors, struct anchor, in_order) count += a->placed;
    return count;
}
