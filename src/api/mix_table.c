/* The tables of mixed mode: encoding, layouts, watermarks (api.md 9.3, 9.4). */
#include "api/create_formats.h"
#include "api/tables.h"

#define MAX_URL 2048

#define AT(type, member) offsetof(struct type, member)

static const struct schema_row mix_video_rows[] = {
    { "Width", SCHEMA_U64, AT(mix_video, width), .required = true, .min = 16, .max = TABLE_MAX_SIDE,
      .fallback = "360",
      .help = "Width of the canvas, pixels; an odd number is rounded down. Width times Height is "
              "at most "
              "1920 x 1080." },
    { "Height", SCHEMA_U64, AT(mix_video, height), .required = true, .min = 16,
      .max = TABLE_MAX_SIDE, .fallback = "640", .help = "Height of the canvas, pixels." },
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
      .help = "Give all members, or leave the object out." },
    { "AudioParams", SCHEMA_SECTION, AT(mix_transcode, audio), .table = &mix_audio_schema,
      .help = "Give all members, or leave the object out." },
};
const struct schema mix_schema = SCHEMA(struct mix_transcode, mix_rows);

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
    NUMBER(mix_layout, "Top", top, TABLE_MAX_SIDE, "Pixels from the upper edge."),
    NUMBER(mix_layout, "Left", left, TABLE_MAX_SIDE, "Pixels from the left edge."),
    NUMBER(mix_layout, "Width", width, TABLE_MAX_SIDE, "Pixels; inside the canvas."),
    NUMBER(mix_layout, "Height", height, TABLE_MAX_SIDE, "Pixels; inside the canvas."),
    { "UserId", SCHEMA_STRING, AT(mix_layout, user_id), .max = 64,
      .help = "Whose window it is. Windows without one are filled in the order of entry." },
    { "Alpha", SCHEMA_U64, AT(mix_layout, alpha), .max = 255, .fallback = "0",
      .help = "0 opaque to 255 transparent." },
    { "RenderMode", SCHEMA_U64, AT(mix_layout, render_mode), .max = 3, .fallback = "1",
      .help = "How the picture fills its window: " RENDER_HELP },
    { "MediaId", SCHEMA_U64, AT(mix_layout, media), .max = 1, .fallback = "0",
      .help = "Which stream of UserId: 0 main, 1 aux." },
    { "ImageLayer", SCHEMA_U64, AT(mix_layout, image_layer), .max = TABLE_ANY_NUMBER,
      .fallback = "0", .help = "Order of overlapping windows: smaller is further back." },
    PICTURE(mix_layout, "SubBackgroundImage", sub_background,
            "Picture that this window shows while its user sends no video."),
};
static const struct schema layout_schema = SCHEMA(struct mix_layout, layout_rows);

static const struct schema_row watermark_image_rows[] = {
    { "WaterMarkUrl", SCHEMA_STRING, AT(watermark_image, url), .required = true, .max = MAX_URL,
      .format = &format_picture_url, .help = "Where the picture is." },
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
      .help = "The text, UTF-8." },
    { "FontSize", SCHEMA_U64, AT(watermark_text, font_size), .min = 1, .max = 1080,
      .fallback = "14", .help = "Height of the letters, pixels." },
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
      .help = "0 picture (WaterMarkImage), 1 text (WaterMarkChar), 2 time (WaterMarkTimestamp): "
              "the member of "
              "that kind is required." },
    { "WaterMarkImage", SCHEMA_OBJECT, AT(watermark, image), .table = &watermark_image_schema,
      .help = "A picture on the canvas." },
    { "WaterMarkChar", SCHEMA_OBJECT, AT(watermark, text), .table = &watermark_text_schema,
      .help = "A text on the canvas." },
    { "WaterMarkTimestamp", SCHEMA_OBJECT, AT(watermark, time), .table = &watermark_time_schema,
      .help = "Date and time on the canvas." },
};
static const struct schema watermark_schema = SCHEMA(struct watermark, watermark_rows);

static const struct schema_row layouts_rows[] = {
    { "MixLayoutMode", SCHEMA_U64, AT(mix_layouts, mode), .required = true, .min = 1, .max = 4,
      .help = "1 floating: one large picture, small ones over it. 2 screen share: one large "
              "picture, small "
              "ones beside it. 3 grid. 4 custom: MixLayoutList." },
    { "MixLayoutList", SCHEMA_OBJECTS, AT(mix_layouts, list), .table = &layout_schema,
      .max_items = 25, .help = "The windows of the custom layout." },
    { "BackGroundColor", SCHEMA_STRING, AT(mix_layouts, background_color), .max = 7,
      .format = &format_color, .fallback = "#000000", .help = "Colour of the canvas." },
    { "MaxResolutionUserId", SCHEMA_STRING, AT(mix_layouts, max_user_id), .max = 64,
      .help = "Who is the large picture in modes 1 and 2. Without it: the first publisher in mode "
              "1, the "
              "background in mode 2." },
    { "MediaId", SCHEMA_U64, AT(mix_layouts, media), .max = 1, .fallback = "0",
      .help = "Which stream of MaxResolutionUserId: 0 main, 1 aux." },
    PICTURE(mix_layouts, "BackgroundImageUrl", background_image, "Picture behind the windows."),
    { "PlaceHolderMode", SCHEMA_U64, AT(mix_layouts, placeholder_mode), .max = 1, .fallback = "0",
      .help =
          "1: a window whose user sends no video shows its placeholder picture. 0: it is empty." },
    { "BackgroundImageRenderMode", SCHEMA_U64, AT(mix_layouts, background_render_mode), .max = 3,
      .fallback = "0", .help = "How BackgroundImageUrl fills the canvas: " RENDER_HELP },
    PICTURE(mix_layouts, "DefaultSubBackgroundImage", sub_background,
            "Placeholder picture of windows that have none of their own."),
    { "WaterMarkList", SCHEMA_OBJECTS, AT(mix_layouts, watermarks), .table = &watermark_schema,
      .max_items = 25, .help = "Pictures, texts and clocks on top of everything." },
    { "RenderMode", SCHEMA_U64, AT(mix_layouts, render_mode), .max = 3, .fallback = "0",
      .help = "In the template layouts: " RENDER_HELP },
    { "MaxResolutionUserAlign", SCHEMA_U64, AT(mix_layouts, max_user_align), .max = 1,
      .fallback = "0", .help = "Mode 2: 0 puts the large picture left, 1 right." },
    { "PureAudioDisableLayout", SCHEMA_BOOL, AT(mix_layouts, pure_audio_disable),
      .fallback = "false", .help = "true: who sends audio alone takes no window." },
};
const struct schema layouts_schema = SCHEMA(struct mix_layouts, layouts_rows);
