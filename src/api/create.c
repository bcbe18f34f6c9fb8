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

static void check_watermark_members(const struct mix_layouts *layout, struct api_problem *p)
{
    static const char *const names[] = { "WaterMarkImage", "WaterMarkChar", "WaterMarkTimestamp" };
    for (size_t i = 0; layout && i < layout->watermarks.count; i++) {
        const struct watermark *w = &layout->watermarks.items[i];
        const void *members[] = { w->image, w->text, w->time };
        if (!members[w->type])
            api_problem_set(
                p, API_MISSING_PARAMETER,
                "`MixLayoutParams.WaterMarkList.%zu.%s` is missing, it must be an object", i,
                names[w->type]);
    }
}

static void check_room(const struct create_params *c, struct api_problem *p)
{
    if (c->room_id_type == ROOM_ID_INT && !room_number_ok(c->room_id))
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`RoomId` must be decimal digits from 1 to 4294967295 when `RoomIdType` "
                        "is 1, not `%s`",
                        c->room_id);
}

static void check_lists(const struct subscribe_params *s, struct api_problem *p)
{
    if (s->audio_allow.count && s->audio_block.count)
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`SubscribeAudioUserIds` and `UnSubscribeAudioUserIds` exclude each other");
    if (s->video_allow.count && s->video_block.count)
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`SubscribeVideoUserIds` and `UnSubscribeVideoUserIds` exclude each other");
}

static void check_area(const struct mix_video *v, struct api_problem *p)
{
    if (v->width * v->height > MAX_AREA)
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`MixTranscodeParams.VideoParams` must not be larger than 1920 x 1080");
}

static void check_window(const struct mix_video *canvas, uint64_t left, uint64_t width,
                         uint64_t top, uint64_t height, const char *list, size_t index,
                         struct api_problem *p)
{
    if (left + width > canvas->width || top + height > canvas->height)
        api_problem_set(p, API_OUT_OF_RANGE, "`MixLayoutParams.%s.%zu` leaves the canvas", list,
                        index);
}

/* Only in mixed mode is there a canvas. */
static void check_geometry(const struct create_params *c, struct api_problem *p)
{
    const struct mix_video *canvas = &c->mix.video;
    if (c->record.mode != RECORD_MIXED || !c->layout)
        return;
    for (size_t i = 0; i < c->layout->list.count; i++) {
        const struct mix_layout *w = &c->layout->list.items[i];
        check_window(canvas, w->left, w->width, w->top, w->height, "MixLayoutList", i, p);
    }
    for (size_t i = 0; i < c->layout->watermarks.count; i++) {
        const struct watermark *m = &c->layout->watermarks.items[i];
        if (m->type == WATERMARK_IMAGE)
            check_window(canvas, m->image->left, m->image->width, m->image->top, m->image->height,
                         "WaterMarkList", i, p);
        if (m->type == WATERMARK_TEXT)
            check_window(canvas, m->text->left, m->text->width, m->text->top, m->text->height,
                         "WaterMarkList", i, p);
    }
}

static void check(const struct create_params *c, const struct api_problem *range,
                  struct api_problem *p)
{
    check_storage(&c->storage, p);
    check_watermark_members(c->layout, p);
    if (p->code)
        return;
    *p = *range;
    if (p->code)
        return;
    check_room(c, p);
    check_lists(&c->record.subscribe, p);
    check_area(&c->mix.video, p);
    check_geometry(c, p);
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
    if (params->record.output_format != OUTPUT_HLS)
        api_problem_set(problem, API_UNSUPPORTED_METHOD,
                        "`RecordParams.OutputFormat` %llu; only 0 (HLS) is served",
                        (unsigned long long)params->record.output_format);
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
