#include "api/create_formats.h"
#include "api/tables.h"

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
const struct schema subscribe_schema = SCHEMA(struct subscribe_params, subscribe_rows);

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
    { "ExpireTime", SCHEMA_U64, AT(tencent_vod, expire_time), .max = TABLE_ANY_NUMBER,
      .fallback = "0", .help = "Lifetime in seconds; 0 keeps for ever." },
    { "StorageRegion", SCHEMA_STRING, AT(tencent_vod, storage_region), .max = 64,
      .help = "Upload region." },
    { "ClassId", SCHEMA_U64, AT(tencent_vod, class_id), .max = TABLE_ANY_NUMBER, .fallback = "0",
      .help = "Category." },
    { "SubAppId", SCHEMA_U64, AT(tencent_vod, sub_app_id), .max = TABLE_ANY_NUMBER, .fallback = "0",
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
