/* The parameters of CreateCloudRecording (api.md 6 and 9): one table, and the rules between values.
 * Pure. */
#ifndef API_CREATE_H
#define API_CREATE_H

#include "api/params.h"
#include "room/ids.h"

enum record_mode { RECORD_SINGLE = 1, RECORD_MIXED = 2 };
enum stream_type { STREAM_AUDIO_VIDEO, STREAM_AUDIO, STREAM_VIDEO };
enum output_format { OUTPUT_HLS, OUTPUT_HLS_MP4, OUTPUT_HLS_AAC, OUTPUT_MP4, OUTPUT_AAC };
enum record_media { RECORD_MAIN_AND_AUX, RECORD_MAIN, RECORD_AUX };
enum fill_type { FILL_LAST_FRAME, FILL_BLACK };
enum storage_vendor { VENDOR_COS, VENDOR_S3 };
enum layout_mode { LAYOUT_FLOATING = 1, LAYOUT_SCREEN, LAYOUT_GRID, LAYOUT_CUSTOM };
enum render_mode { RENDER_STRETCH, RENDER_CROP, RENDER_FIT, RENDER_SMART };
enum watermark_type { WATERMARK_IMAGE, WATERMARK_TEXT, WATERMARK_TIME };

/* Texts are NULL when absent, unless the table says required. */

/* 9.5; at most one of allow and block per medium is not empty. */
struct subscribe_params {
    struct schema_strings audio_allow, audio_block, video_allow, video_block;
};

struct record_params {
    uint64_t mode; /* enum record_mode */
    uint64_t max_idle_s;
    uint64_t stream_type; /* enum stream_type */
    struct subscribe_params subscribe;
    uint64_t output_format; /* enum output_format */
    uint64_t av_merge;      /* 0 or 1 */
    uint64_t max_file_min;
    uint64_t media;             /* enum record_media */
    uint64_t fill;              /* enum fill_type */
    uint64_t subscribe_ability; /* 0 or 1 */
};

struct cloud_storage {
    uint64_t vendor; /* enum storage_vendor */
    char *region, *bucket, *access_key, *secret_key;
    struct schema_strings prefix;
    char *endpoint; /* EndpointUrl */
};

struct tencent_vod {
    char *procedure, *storage_region, *session_context, *source_context, *user_define_record_id;
    uint64_t expire_time, class_id, sub_app_id, media_type;
};

struct cloud_vod {
    struct tencent_vod *tencent;
};

/* Exactly one is set. */
struct storage_params {
    struct cloud_storage *cloud_storage;
    struct cloud_vod *cloud_vod;
};

struct mix_video {
    uint64_t width, height, fps, bit_rate, gop_s;
};

struct mix_audio {
    uint64_t sample_rate; /* 1 = 48000, 2 = 44100, 3 = 16000 Hz */
    uint64_t channel, bit_rate;
};

struct mix_transcode {
    struct mix_video video;
    struct mix_audio audio;
};

struct mix_layout {
    uint64_t top, left, width, height;
    char *user_id;
    uint64_t alpha, render_mode, media, image_layer;
    char *sub_background;
};

struct watermark_image {
    char *url;
    uint64_t top, left, width, height;
};

struct watermark_text {
    uint64_t top, left, width, height;
    char *chars;
    uint64_t font_size;
    char *font_color, *background, *font;
};

struct watermark_time {
    uint64_t pos, time_zone;
    char *font;
};

struct watermark {
    uint64_t type; /* enum watermark_type; the member of that kind is set */
    struct watermark_image *image;
    struct watermark_text *text;
    struct watermark_time *time;
};

struct mix_layouts {
    uint64_t mode; /* enum layout_mode */
    SCHEMA_LIST(struct mix_layout) list;
    char *background_color, *max_user_id;
    uint64_t media; /* 0 main, 1 aux, of max_user_id */
    char *background_image;
    uint64_t placeholder_mode, background_render_mode;
    char *sub_background;
    SCHEMA_LIST(struct watermark) watermarks;
    uint64_t render_mode, max_user_align;
    bool pure_audio_disable;
};

struct create_params {
    uint64_t sdk_app_id; /* 32 bits */
    char *room_id, *user_id, *user_sig;
    uint64_t room_id_type; /* enum room_id_type */
    struct record_params record;
    struct storage_params storage;
    struct mix_transcode mix;
    struct mix_layouts *layout; /* NULL: grid */
    uint64_t expire_hours;
    char *private_map_key;
};

extern const struct schema
    create_schema; /* for reference, and for schema_write_json() when tasks are stored */

/* `max_idle_s` is the default of MaxIdleTime (the table's own when 0). ERR_MALFORMED: `problem`
 * says why. ERR_NOMEM. */
int create_params_read(struct create_params **out, const struct value *in, uint64_t max_idle_s,
                       struct api_problem *problem);

/* What is valid and not built yet: the problem, or false. */
bool create_params_unserved(const struct create_params *params, struct api_problem *problem);

/* Wipes secrets. NULL is fine. */
void create_params_free(struct create_params *params);

/* The rules that other actions share. Each sets the problem, if there is one. */

/* An allow and a block list of one medium exclude each other. */
void subscribe_check(const struct subscribe_params *lists, struct api_problem *problem);

/* A watermark has the member of its kind. NULL is fine. */
void layout_check_members(const struct mix_layouts *layout, struct api_problem *problem);

/* Windows and watermarks lie inside the canvas. */
void layout_check_canvas(const struct mix_layouts *layout, const struct mix_video *canvas,
                         struct api_problem *problem);

#endif
