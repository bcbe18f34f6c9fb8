#include "api/create.h"
#include "api/create_formats.h"

#define ANY_NUMBER INT64_MAX /* what JSON libraries carry */
#define MAX_SIDE   1920
#define MAX_URL    2048
#define NAME_CHARS "a-zA-Z0-9_-"

#define AT(type, member) offsetof(struct type, member)

/* Each entry: a user id, or a prefix followed by ".*$" (api.md 8). */
#define USER_LIST(name_, member_, help_)                                                           \
    {                                                                                              \
        name_, SCHEMA_STRINGS, AT(subscribe_params, member_), .max = 64, .max_items = 32,          \
                                                              .help = help_                        \
    }

static const struct schema_row subscribe_rows[] = {
    USER_LIST("SubscribeAudioUserIds", audio_allow, "Only the audio of these users is recorded."),
    USER_LIST("UnSubscribeAudioUserIds", audio_block, "The audio of these users is not recorded."),
    USER_LIST("SubscribeVideoUserIds", video_allow, "Only the video of these users is recorded."),
    USER_LIST("UnSubscribeVideoUserIds", video_block, "The video of these users is not recorded."),
};
static const struct schema subscribe_schema = SCHEMA(struct subscribe_params, subscribe_rows);

static const struct schema_row record_rows[] = {
    { "RecordMode", SCHEMA_U64, AT(record_params, mode), .required = true, .min = 1, .max = 2,
      .help = "1: audio and video of each user separately. 2: one mixed result." },
    { "MaxIdleTime", SCHEMA_U64, AT(record_params, max_idle_s), .min = 5, .max = 86400,
      .fallback = "30", .help = "The task ends after so many seconds without anchors." },
    { "StreamType", SCHEMA_U64, AT(record_params, stream_type), .max = 2, .fallback = "0",
      .help = "0 audio and video, 1 audio only, 2 video only." },
    { "SubscribeStreamUserIds", SCHEMA_SECTION, AT(record_params, subscribe),
      .table = &subscribe_schema, .help = "Whose streams are recorded. Empty lists mean all." },
    { "OutputFormat", SCHEMA_U64, AT(record_params, output_format), .max = 4, .fallback = "0",
      .help = "0 HLS, 1 HLS and MP4, 2 HLS and AAC, 3 MP4, 4 AAC." },
    { "AvMerge", SCHEMA_U64, AT(record_params, av_merge), .max = 1, .fallback = "0",
      .help = "Single mode: 1 puts audio and video into one TS." },
    { "MaxMediaFileDuration", SCHEMA_U64, AT(record_params, max_file_min), .min = 1, .max = 1440,
      .fallback = "1440", .help = "Minutes after which an MP4 or AAC file is split." },
    { "MediaId", SCHEMA_U64, AT(record_params, media), .max = 2, .fallback = "0",
      .help = "0 main and aux streams, 1 main, 2 aux." },
    { "FillType", SCHEMA_U64, AT(record_params, fill), .max = 1, .fallback = "0",
      .help = "When video stops: 0 repeats the last frame, 1 shows black. For MP4 only." },
    { "SubscribeAbility", SCHEMA_U64, AT(record_params, subscribe_ability), .max = 1,
      .fallback = "0", .help = "1 also subscribes to what a relay robot publishes back." },
};
static const struct schema record_schema = SCHEMA(struct record_params, record_rows);

static const struct schema_row cloud_storage_rows[] = {
    { "Vendor", SCHEMA_U64, AT(cloud_storage, vendor), .required = true, .max = 1,
      .help = "0 Tencent COS, 1 AWS S3." },
    { "Region", SCHEMA_STRING, AT(cloud_storage, region), .required = true, .max = 64,
      .charset = "a-zA-Z0-9._-", .help = "The bucket's region." },
    { "Bucket", SCHEMA_STRING, AT(cloud_storage, bucket), .required = true, .max = 255,
      .charset = "a-zA-Z0-9._-", .help = "The bucket's name." },
    { "AccessKey", SCHEMA_STRING, AT(cloud_storage, access_key), .required = true, .secret = true,
      .max = 256, .help = "Access key." },
    { "SecretKey", SCHEMA_STRING, AT(cloud_storage, secret_key), .required = true, .secret = true,
      .max = 256, .help = "Secret key." },
    { "FileNamePrefix", SCHEMA_STRINGS, AT(cloud_storage, prefix), .max = 128,
      .charset = NAME_CHARS, .max_items = 16,
      .help = "Folders above the task's: [\"a\",\"b\"] gives a/b/<TaskId>/x.m3u8." },
    { "EndpointUrl", SCHEMA_STRING, AT(cloud_storage, endpoint), .max = MAX_URL,
      .format = &format_endpoint, .help = "An S3-compatible store used instead of the vendor's." },
};
static const struct schema cloud_storage_schema = SCHEMA(struct cloud_storage, cloud_storage_rows);

static const struct schema_row vod_rows[] = {
    { "Procedure", SCHEMA_STRING, AT(tencent_vod, procedure), .max = 256,
      .help = "Task flow started after the upload." },
    { "ExpireTime", SCHEMA_U64, AT(tencent_vod, expire_time), .max = ANY_NUMBER, .fallback = "0",
      .help = "Lifetime in seconds; 0 keeps for ever." },
    { "StorageRegion", SCHEMA_STRING, AT(tencent_vod, storage_region), .max = 64,
      .help = "Upload region." },
    { "ClassId", SCHEMA_U64, AT(tencent_vod, class_id), .max = ANY_NUMBER, .fallback = "0",
      .help = "Category." },
    { "SubAppId", SCHEMA_U64, AT(tencent_vod, sub_app_id), .max = ANY_NUMBER, .fallback = "0",
      .help = "VOD sub-application." },
    { "SessionContext", SCHEMA_STRING, AT(tencent_vod, session_context), .max = 1000,
      .help = "Passed through when the task flow ends." },
    { "SourceContext", SCHEMA_STRING, AT(tencent_vod, source_context), .max = 1000,
      .help = "Passed through in the upload callback." },
    { "MediaType", SCHEMA_U64, AT(tencent_vod, media_type), .max = 4, .fallback = "0",
      .help = "0 MP4, 1 HLS, 2 AAC, 3 HLS and MP4, 4 HLS and AAC." },
    { "UserDefineRecordId", SCHEMA_STRING, AT(tencent_vod, user_define_record_id), .max = 64,
      .charset = NAME_CHARS, .help = "File name prefix." },
};
static const struct schema vod_schema = SCHEMA(struct tencent_vod, vod_rows);

static const struct schema_row cloud_vod_rows[] = {
    { "TencentVod", SCHEMA_OBJECT, AT(cloud_vod, tencent), .table = &vod_schema,
      .help = "Tencent's video on demand." },
};
static const struct schema cloud_vod_schema = SCHEMA(struct cloud_vod, cloud_vod_rows);

static const struct schema_row storage_rows[] = {
    { "CloudStorage", SCHEMA_OBJECT, AT(storage_params, cloud_storage),
      .table = &cloud_storage_schema, .help = "A bucket. Either this or CloudVod." },
    { "CloudVod", SCHEMA_OBJECT, AT(storage_params, cloud_vod), .table = &cloud_vod_schema,
      .help = "Video on demand; not served here." },
};
static const struct schema storage_schema = SCHEMA(struct storage_params, storage_rows);

static const struct schema_row mix_video_rows[] = {
    { "Width", SCHEMA_U64, AT(mix_video, width), .required = true, .min = 16, .max = MAX_SIDE,
      .fallback = "360", .help = "Pixels; the area is at most 1920 x 1080." },
    { "Height", SCHEMA_U64, AT(mix_video, height), .required = true, .min = 16, .max = MAX_SIDE,
      .fallback = "640", .help = "Pixels." },
    { "Fps", SCHEMA_U64, AT(mix_video, fps), .required = true, .min = 1, .max = 60,
      .fallback = "15", .help = "Frames per second." },
    { "BitRate", SCHEMA_U64, AT(mix_video, bit_rate), .required = true, .min = 64000,
      .max = 8192000, .fallback = "550000", .help = "Bits per second." },
    { "Gop", SCHEMA_U64, AT(mix_video, gop_s), .required = true, .min = 1, .max = 60,
      .fallback = "10", .help = "Seconds between key frames." },
};
static const struct schema mix_video_schema = SCHEMA(struct mix_video, mix_video_rows);

static const struct schema_row mix_audio_rows[] = {
    { "SampleRate", SCHEMA_U64, AT(mix_audio, sample_rate), .required = true, .min = 1, .max = 3,
      .fallback = "1", .help = "1 48000 Hz, 2 44100 Hz, 3 16000 Hz." },
    { "Channel", SCHEMA_U64, AT(mix_audio, channel), .required = true, .min = 1, .max = 2,
      .fallback = "2", .help = "1 mono, 2 stereo." },
    { "BitRate", SCHEMA_U64, AT(mix_audio, bit_rate), .required = true, .min = 32000, .max = 128000,
      .fallback = "64000", .help = "Bits per second." },
};
static const struct schema mix_audio_schema = SCHEMA(struct mix_audio, mix_audio_rows);

static const struct schema_row mix_rows[] = {
    { "VideoParams", SCHEMA_SECTION, AT(mix_transcode, video), .table = &mix_video_schema,
      .help = "All members, or none." },
    { "AudioParams", SCHEMA_SECTION, AT(mix_transcode, audio), .table = &mix_audio_schema,
      .help = "All members, or none." },
};
static const struct schema mix_schema = SCHEMA(struct mix_transcode, mix_rows);

#define NUMBER(type_, name_, member_, max_, help_)                                                 \
    {                                                                                              \
        name_, SCHEMA_U64, AT(type_, member_), .required = true, .max = max_, .help = help_        \
    }
#define PICTURE(type_, name_, member_, help_)                                                      \
    {                                                                                              \
        name_, SCHEMA_STRING, AT(type_, member_), .max = MAX_URL, .format = &format_picture_url,   \
                                                  .help = help_                                    \
    }
#define RENDER_HELP "0 stretch, 1 crop, 2 fit with black bars, 3 crop a little, then stretch."

static const struct schema_row layout_rows[] = {
    NUMBER(mix_layout, "Top", top, MAX_SIDE, "Pixels from the upper edge."),
    NUMBER(mix_layout, "Left", left, MAX_SIDE, "Pixels from the left edge."),
    NUMBER(mix_layout, "Width", width, MAX_SIDE, "Pixels; inside the canvas."),
    NUMBER(mix_layout, "Height", height, MAX_SIDE, "Pixels; inside the canvas."),
    { "UserId", SCHEMA_STRING, AT(mix_layout, user_id), .max = 64,
      .help = "Whose window it is. Without it: filled in order of entry." },
    { "Alpha", SCHEMA_U64, AT(mix_layout, alpha), .max = 255, .fallback = "0",
      .help = "0 opaque to 255 transparent." },
    { "RenderMode", SCHEMA_U64, AT(mix_layout, render_mode), .max = 3, .fallback = "1",
      .help = RENDER_HELP },
    { "MediaId", SCHEMA_U64, AT(mix_layout, media), .max = 1, .fallback = "0",
      .help = "0 main, 1 aux." },
    { "ImageLayer", SCHEMA_U64, AT(mix_layout, image_layer), .max = ANY_NUMBER, .fallback = "0",
      .help = "Smaller is further back." },
    PICTURE(mix_layout, "SubBackgroundImage", sub_background, "Placeholder of this window."),
};
static const struct schema layout_schema = SCHEMA(struct mix_layout, layout_rows);

static const struct schema_row watermark_image_rows[] = {
    { "WaterMarkUrl", SCHEMA_STRING, AT(watermark_image, url), .required = true, .max = MAX_URL,
      .format = &format_picture_url, .help = "The picture." },
    NUMBER(watermark_image, "Top", top, 2560, "Pixels from the upper edge."),
    NUMBER(watermark_image, "Left", left, 2560, "Pixels from the left edge."),
    NUMBER(watermark_image, "Width", width, 2560, "Pixels; inside the canvas."),
    NUMBER(watermark_image, "Height", height, 2560, "Pixels; inside the canvas."),
};
static const struct schema watermark_image_schema =
    SCHEMA(struct watermark_image, watermark_image_rows);

#define FONT_ROW(type_)                                                                            \
    {                                                                                              \
        "Font", SCHEMA_STRING, AT(type_, font), .max = 32, .format = &format_font,                 \
                                                .fallback = "Tencent",                             \
                                                .help = "Tencent or SourceHanSans."                \
    }

static const struct schema_row watermark_text_rows[] = {
    NUMBER(watermark_text, "Top", top, 2560, "Pixels from the upper edge."),
    NUMBER(watermark_text, "Left", left, 2560, "Pixels from the left edge."),
    NUMBER(watermark_text, "Width", width, 2560, "Pixels; inside the canvas."),
    NUMBER(watermark_text, "Height", height, 2560, "Pixels; inside the canvas."),
    { "Chars", SCHEMA_STRING, AT(watermark_text, chars), .required = true, .max = 1024,
      .help = "The text." },
    { "FontSize", SCHEMA_U64, AT(watermark_text, font_size), .min = 1, .max = 1080,
      .fallback = "14", .help = "Pixels." },
    { "FontColor", SCHEMA_STRING, AT(watermark_text, font_color), .max = 8,
      .format = &format_hex_color, .fallback = "0xFFFFFF", .help = "Colour of the text." },
    { "BackGroundColor", SCHEMA_STRING, AT(watermark_text, background), .max = 8,
      .format = &format_hex_color, .help = "Colour behind it. Without it: none." },
    FONT_ROW(watermark_text),
};
static const struct schema watermark_text_schema =
    SCHEMA(struct watermark_text, watermark_text_rows);

static const struct schema_row watermark_time_rows[] = {
    NUMBER(watermark_time, "Pos", pos, 6,
           "0 top left, 1 top right, 2 bottom left, 3 bottom right, 4 top, 5 bottom, 6 centre."),
    { "TimeZone", SCHEMA_U64, AT(watermark_time, time_zone), .max = 12, .fallback = "8",
      .help = "Hours east of UTC." },
    FONT_ROW(watermark_time),
};
static const struct schema watermark_time_schema =
    SCHEMA(struct watermark_time, watermark_time_rows);

static const struct schema_row watermark_rows[] = {
    { "WaterMarkType", SCHEMA_U64, AT(watermark, type), .max = 2, .fallback = "0",
      .help = "0 picture, 1 text, 2 time; the member of that kind is required." },
    { "WaterMarkImage", SCHEMA_OBJECT, AT(watermark, image), .table = &watermark_image_schema,
      .help = "A picture." },
    { "WaterMarkChar", SCHEMA_OBJECT, AT(watermark, text), .table = &watermark_text_schema,
      .help = "A text." },
    { "WaterMarkTimestamp", SCHEMA_OBJECT, AT(watermark, time), .table = &watermark_time_schema,
      .help = "The time." },
};
static const struct schema watermark_schema = SCHEMA(struct watermark, watermark_rows);

static const struct schema_row layouts_rows[] = {
    { "MixLayoutMode", SCHEMA_U64, AT(mix_layouts, mode), .required = true, .min = 1, .max = 4,
      .help = "1 floating, 2 screen share, 3 grid, 4 custom." },
    { "MixLayoutList", SCHEMA_OBJECTS, AT(mix_layouts, list), .table = &layout_schema,
      .max_items = 25, .help = "The windows of the custom layout." },
    { "BackGroundColor", SCHEMA_STRING, AT(mix_layouts, background_color), .max = 7,
      .format = &format_color, .fallback = "#000000", .help = "Colour of the canvas." },
    { "MaxResolutionUserId", SCHEMA_STRING, AT(mix_layouts, max_user_id), .max = 64,
      .help = "Large picture in modes 1 and 2." },
    { "MediaId", SCHEMA_U64, AT(mix_layouts, media), .max = 1, .fallback = "0",
      .help = "0 main, 1 aux, of MaxResolutionUserId." },
    PICTURE(mix_layouts, "BackgroundImageUrl", background_image, "Picture of the canvas."),
    { "PlaceHolderMode", SCHEMA_U64, AT(mix_layouts, placeholder_mode), .max = 1, .fallback = "0",
      .help = "1: a window whose user sends nothing shows its placeholder." },
    { "BackgroundImageRenderMode", SCHEMA_U64, AT(mix_layouts, background_render_mode), .max = 3,
      .fallback = "0", .help = RENDER_HELP },
    PICTURE(mix_layouts, "DefaultSubBackgroundImage", sub_background,
            "Placeholder of every window."),
    { "WaterMarkList", SCHEMA_OBJECTS, AT(mix_layouts, watermarks), .table = &watermark_schema,
      .max_items = 25, .help = "Watermarks." },
    { "RenderMode", SCHEMA_U64, AT(mix_layouts, render_mode), .max = 3, .fallback = "0",
      .help = "In the template layouts: " RENDER_HELP },
    { "MaxResolutionUserAlign", SCHEMA_U64, AT(mix_layouts, max_user_align), .max = 1,
      .fallback = "0", .help = "Mode 2: 1 puts the large picture right." },
    { "PureAudioDisableLayout", SCHEMA_BOOL, AT(mix_layouts, pure_audio_disable),
      .fallback = "false", .help = "Users without video take no window." },
};
static const struct schema layouts_schema = SCHEMA(struct mix_layouts, layouts_rows);

static const struct schema_row create_rows[] = {
    { "SdkAppId", SCHEMA_U64, AT(create_params, sdk_app_id), .required = true, .zero_missing = true,
      .min = 1, .max = UINT32_MAX, .help = "The application whose room is recorded." },
    { "RoomId", SCHEMA_STRING, AT(create_params, room_id), .required = true, .max = 64,
      .charset = ROOM_CHARS, .help = "The room; digits when RoomIdType is 1." },
    { "UserId", SCHEMA_STRING, AT(create_params, user_id), .required = true, .max = 32,
      .charset = NAME_CHARS, .help = "The recording robot; different from every user." },
    { "UserSig", SCHEMA_STRING, AT(create_params, user_sig), .required = true, .secret = true,
      .max = 8192, .help = "The robot's UserSig." },
    { "RecordParams", SCHEMA_SECTION, AT(create_params, record), .required = true,
      .table = &record_schema, .help = "What is recorded, and how." },
    { "StorageParams", SCHEMA_SECTION, AT(create_params, storage), .required = true,
      .table = &storage_schema, .help = "Where the files go." },
    { "RoomIdType", SCHEMA_U64, AT(create_params, room_id_type), .max = 1, .fallback = "1",
      .help = "0 string room, 1 integer room." },
    { "MixTranscodeParams", SCHEMA_SECTION, AT(create_params, mix), .table = &mix_schema,
      .help = "Mixed mode: encoding." },
    { "MixLayoutParams", SCHEMA_OBJECT, AT(create_params, layout), .table = &layouts_schema,
      .help = "Mixed mode: layout." },
    { "ResourceExpiredHour", SCHEMA_U64, AT(create_params, expire_hours), .min = 6, .max = 720,
      .fallback = "72", .help = "Hours during which the task can be asked about and stopped." },
    { "PrivateMapKey", SCHEMA_STRING, AT(create_params, private_map_key), .secret = true,
      .max = 8192, .help = "Room ticket; needed with advanced permission control." },
};
const struct schema create_schema = SCHEMA(struct create_params, create_rows);
