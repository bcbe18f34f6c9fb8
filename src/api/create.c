#include "api/create.h"

#include <stdlib.h>

#include "api/create_formats.h"
#include "api/errors.h"
#include "base/err.h"

#define MAX_AREA (1920u * 1080u)

/* Presence between values: part of the same step as the table's own (api.md 5, step 7). */
static void check_storage(const struct storage_params *s, struct api_problem *p)
{
    if (!s->cloud_storage && (!s->cloud_vod || !s->cloud_vod->tencent))
        api_problem_set(p, api_missing_code("CloudStorage"),
                        "`StorageParams.CloudStorage` is missing, it must be an object");
}

static void check_room(const struct create_params *c, struct api_problem *p)
{
    if (c->room_id_type == ROOM_ID_INT && !room_number_ok(c->room_id))
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`RoomId` must be decimal digits from 1 to 4294967295 when `RoomIdType` "
                        "is 1, not `%s`",
                        c->room_id);
}

static void check_area(const struct mix_video *v, struct api_problem *p)
{
    if (v->width * v->height > MAX_AREA)
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`MixTranscodeParams.VideoParams` must not be larger than 1920 x 1080");
}

/* Only in mixed mode is there a canvas. */
static void check_geometry(const struct create_params *c, struct api_problem *p)
{
    if (c->record.mode == RECORD_MIXED && c->layout)
        layout_check_canvas(c->layout, &c->mix.video, p);
}

/* AAC in video on demand wants a recording of audio alone (api.md 9.2). */
static void check_vod(const struct create_params *c, struct api_problem *p)
{
    const struct cloud_vod *vod = c->storage.cloud_vod;
    bool aac =
        vod && vod->tencent && (vod->tencent->media_type == 2 || vod->tencent->media_type == 4);
    if (aac && c->record.stream_type != STREAM_AUDIO)
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`StorageParams.CloudVod.TencentVod.MediaType` 2 and 4 want "
                        "`RecordParams.StreamType` 1");
}

static void check(const struct create_params *c, const struct api_problem *range,
                  struct api_problem *p)
{
    check_storage(&c->storage, p);
    if (p->code)
        return;
    *p = *range;
    if (p->code)
        return;
    layout_check_members(c->layout, p);
    if (p->code)
        return;
    check_room(c, p);
    subscribe_check(&c->record.subscribe, p);
    check_area(&c->mix.video, p);
    check_geometry(c, p);
    check_vod(c, p);
    if (c->storage.cloud_storage && c->storage.cloud_vod)
        api_problem_set(p, API_FAILED, "`CloudStorage` and `CloudVod` exclude each other");
}

int create_params_read(struct create_params **out, const struct value *in, uint64_t max_idle_s,
                       struct api_problem *problem)
{
    struct api_problem range = { 0 };
    struct create_params *params = calloc(1, sizeof *params);
    if (!params)
        return ERR_NOMEM;
    int err = params_read(&create_schema, params, in, problem, &range);
    if (!err && !problem->code)
        check(params, &range, problem);
    if (!err && problem->code)
        err = ERR_MALFORMED;
    if (err) {
        create_params_free(params);
        return err;
    }
    const struct value *idle = value_member(value_member(in, "RecordParams"), "MaxIdleTime");
    if (max_idle_s && (!idle || idle->kind == VALUE_NULL))
        params->record.max_idle_s = max_idle_s;
    *out = params;
    return OK;
}

bool create_params_unserved(const struct create_params *params, struct api_problem *problem)
{
    if (params->record.mode == RECORD_MIXED)
        api_problem_set(problem, API_UNSUPPORTED_METHOD, "`RecordParams.RecordMode` 2 (mixed)");
    if (params->storage.cloud_vod)
        api_problem_set(problem, API_UNSUPPORTED_METHOD,
                        "`StorageParams.CloudVod`; use `CloudStorage`");
    return problem->code != NULL;
}

void create_params_free(struct create_params *params)
{
    if (!params)
        return;
    schema_free(&create_schema, params);
    free(params);
}
