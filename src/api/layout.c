/* Rules between the values of lists and layouts (api.md 8, 9.4). */
#include "api/create.h"
#include "api/errors.h"

void subscribe_check(const struct subscribe_params *s, struct api_problem *p)
{
    if (s->audio_allow.count && s->audio_block.count)
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`SubscribeAudioUserIds` and `UnSubscribeAudioUserIds` exclude each other");
    if (s->video_allow.count && s->video_block.count)
        api_problem_set(p, API_OUT_OF_RANGE,
                        "`SubscribeVideoUserIds` and `UnSubscribeVideoUserIds` exclude each other");
}

void layout_check_members(const struct mix_layouts *layout, struct api_problem *p)
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

static void check_window(const struct mix_video *canvas, uint64_t left, uint64_t width,
                         uint64_t top, uint64_t height, const char *list, size_t index,
                         struct api_problem *p)
{
    if (left + width > canvas->width || top + height > canvas->height)
        api_problem_set(p, API_OUT_OF_RANGE, "`MixLayoutParams.%s.%zu` leaves the canvas", list,
                        index);
}

void layout_check_canvas(const struct mix_layouts *layout, const struct mix_video *canvas,
                         struct api_problem *p)
{
    for (size_t i = 0; i < layout->list.count; i++) {
        const struct mix_layout *w = &layout->list.items[i];
        check_window(canvas, w->left, w->width, w->top, w->height, "MixLayoutList", i, p);
    }
    for (size_t i = 0; i < layout->watermarks.count; i++) {
        const struct watermark *m = &layout->watermarks.items[i];
        if (m->type == WATERMARK_IMAGE)
            check_window(canvas, m->image->left, m->image->width, m->image->top, m->image->height,
                         "WaterMarkList", i, p);
        if (m->type == WATERMARK_TEXT)
            check_window(canvas, m->text->left, m->text->width, m->text->top, m->text->height,
                         "WaterMarkList", i, p);
    }
}
