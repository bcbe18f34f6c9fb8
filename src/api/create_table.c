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
    USER_LIST("SubscribeAudioUserIds", audio_allow,
              "Only the audio of these users is recorded. An entry like `class1.*$` means every "
              "user whose "
              "id begins with `class1`. Not together with UnSubscribeAudioUserIds."),
    USER_LIST("UnSubscribeAudioUserIds", audio_block,
              "The audio of these users is not recorded; `.*$` as above."),
    USER_LIST("SubscribeVideoUserIds", video_allow,
              "Only the video of these users is recorded; `.*$` as above. Not together with "
              "UnSubscribeVideoUserIds."),
    USER_LIST("UnSubscribeVideoUserIds", video_block,
              "The video of these users is not recorded; `.*$` as above."),
};
const struct schema subscribe_schema = SCHEMA(struct subscribe_params, subscribe_rows);

static const struct schema_row record_rows[] = {
    { "RecordMode", SCHEMA_U64, AT(record_params, mode), .required = true, .min = 1, .max = 2,
      .help =
          "1 single stream: the audio and video of each user in files of their own. 2 mixed: one "
          "recording of all." },
    { "MaxIdleTime", SCHEMA_U64, AT(record_params, max_idle_s), .min = 5, .max = 86400,
      .fallback = "30",
      .help = "Seconds without anybody publishing after which the task ends. The default is the "
              "service's `record.max_idle`." },
    { "StreamType", SCHEMA_U64, AT(record_params, stream_type), .max = 2, .fallback = "0",
      .help = "What is recorded: 0 audio and video, 1 audio only, 2 video only." },
    { "SubscribeStreamUserIds", SCHEMA_SECTION, AT(record_params, subscribe),
      .table = &subscribe_schema,
      .help = "Whose streams are recorded. Without lists: everybody's, at most 25 publishers at "
              "once in "
              "the order of their entry." },
    { "OutputFormat", SCHEMA_U64, AT(record_params, output_format), .max = 4, .fallback = "0",
      .help = "Files in the bucket: 0 HLS, 1 HLS and MP4, 2 HLS and AAC, 3 MP4, 4 AAC." },
    { "AvMerge", SCHEMA_U64, AT(record_params, av_merge), .max = 1, .fallback = "0",
      .help = "Single mode: 1 puts audio and video of a user into one file, 0 into two." },
    { "MaxMediaFileDuration", SCHEMA_U64, AT(record_params, max_file_min), .min = 1, .max = 1440,
      .fallback = "1440",
      .help = "Minutes after which a new MP4 or AAC file begins. No effect on HLS." },
    { "MediaId", SCHEMA_U64, AT(record_params, media), .max = 2, .fallback = "0",
      .help = "Which streams of a user: 0 main (camera) and aux (screen), 1 main, 2 aux." },
    { "FillType", SCHEMA_U64, AT(record_params, fill), .max = 1, .fallback = "0",
      .help = "What an MP4 shows while no video arrives: 0 the last picture, 1 black." },
    { "SubscribeAbility", SCHEMA_U64, AT(record_params, subscribe_ability), .max = 1,
      .fallback = "0",
      .help = "1 also records what a mixing robot publishes back into the room; give an allow list "
              "then, "
              "or sound is there twice." },
};
static const struct schema record_schema = SCHEMA(struct record_params, record_rows);

static const struct schema_row cloud_storage_rows[] = {
    { "Vendor", SCHEMA_U64, AT(cloud_storage, vendor), .required = true, .max = 1,
      .help = "0 Tencent COS, 1 AWS S3 or a store that speaks its protocol." },
    { "Region", SCHEMA_STRING, AT(cloud_storage, region), .required = true, .max = 64,
      .charset = "a-zA-Z0-9._-",
      .help =
          "The bucket's region, or that of an entry in the service's `storage`, like `local`." },
    { "Bucket", SCHEMA_STRING, AT(cloud_storage, bucket), .required = true, .max = 255,
      .charset = "a-zA-Z0-9._-", .help = "The bucket's name." },
    { "AccessKey", SCHEMA_STRING, AT(cloud_storage, access_key), .required = true, .secret = true,
      .max = 256, .help = "The access key of the bucket; any text for a folder of the service." },
    { "SecretKey", SCHEMA_STRING, AT(cloud_storage, secret_key), .required = true, .secret = true,
      .max = 256, .help = "The secret key of the bucket. It is stored encrypted and never shown." },
    { "FileNamePrefix", SCHEMA_STRINGS, AT(cloud_storage, prefix), .max = 128,
      .charset = NAME_CHARS, .max_items = 16,
      .help = "Folders above the task's own: `[\"a\",\"b\"]` gives `a/b/{TaskId}/x.m3u8`." },
    { "EndpointUrl", SCHEMA_STRING, AT(cloud_storage, endpoint), .max = MAX_URL,
      .format = &format_endpoint,
      .help = "A store that speaks S3, used instead of the vendor's own: host name, or URL. https "
              "unless "
              "`http://` is written." },
};
static const struct schema cloud_storage_schema = SCHEMA(struct cloud_storage, cloud_storage_rows);

static const struct schema_row vod_rows[] = {
    { "Procedure", SCHEMA_STRING, AT(tencent_vod, procedure), .max = 256,
      .help = "Task flow that is started after the upload." },
    { "ExpireTime", SCHEMA_U64, AT(tencent_vod, expire_time), .max = TABLE_ANY_NUMBER,
      .fallback = "0", .help = "Lifetime in seconds; 0 keeps for ever." },
    { "StorageRegion", SCHEMA_STRING, AT(tencent_vod, storage_region), .max = 64,
      .help = "Upload region." },
    { "ClassId", SCHEMA_U64, AT(tencent_vod, class_id), .max = TABLE_ANY_NUMBER, .fallback = "0",
      .help = "Category, 0 for none." },
    { "SubAppId", SCHEMA_U64, AT(tencent_vod, sub_app_id), .max = TABLE_ANY_NUMBER, .fallback = "0",
      .help = "Sub-application of video on demand." },
    { "SessionContext", SCHEMA_STRING, AT(tencent_vod, session_context), .max = 1000,
      .help = "Passed through when the task flow ends." },
    { "SourceContext", SCHEMA_STRING, AT(tencent_vod, source_context), .max = 1000,
      .help = "Passed through in the upload callback." },
    { "MediaType", SCHEMA_U64, AT(tencent_vod, media_type), .max = 4, .fallback = "0",
      .help = "0 MP4, 1 HLS, 2 AAC, 3 HLS and MP4, 4 HLS and AAC; 2 and 4 want StreamType 1." },
    { "UserDefineRecordId", SCHEMA_STRING, AT(tencent_vod, user_define_record_id), .max = 64,
      .charset = NAME_CHARS, .help = "File name prefix." },
};
static const struct schema vod_schema = SCHEMA(struct tencent_vod, vod_rows);

static const struct schema_row cloud_vod_rows[] = {
    { "TencentVod", SCHEMA_OBJECT, AT(cloud_vod, tencent), .table = &vod_schema,
      .help = "The video on demand of Tencent." },
};
static const struct schema cloud_vod_schema = SCHEMA(struct cloud_vod, cloud_vod_rows);

static const struct schema_row storage_rows[] = {
    { "CloudStorage", SCHEMA_OBJECT, AT(storage_params, cloud_storage),
      .table = &cloud_storage_schema,
      .help = "A bucket. Exactly one of this and CloudVod must be there." },
    { "CloudVod", SCHEMA_OBJECT, AT(storage_params, cloud_vod), .table = &cloud_vod_schema,
      .help = "Video on demand. Checked, and refused (FailedOperation.CRUnsupportMethod)." },
};
static const struct schema storage_schema = SCHEMA(struct storage_params, storage_rows);

static const struct schema_row create_rows[] = {
    { "SdkAppId", SCHEMA_U64, AT(create_params, sdk_app_id), .required = true, .zero_missing = true,
      .min = 1, .max = UINT32_MAX, .help = "The application whose room is recorded." },
    { "RoomId", SCHEMA_STRING, AT(create_params, room_id), .required = true, .max = 64,
      .charset = ROOM_CHARS,
      .help = "The room, always as a string: decimal digits from 1 to 4294967295 when RoomIdType "
              "is 1." },
    { "UserId", SCHEMA_STRING, AT(create_params, user_id), .required = true, .max = 32,
      .charset = NAME_CHARS,
      .help = "The id under which the recorder enters the room. No user and no other robot of the "
              "room may "
              "have it; one that includes the room's id is a good choice. A second task with the "
              "same id in "
              "the same room ends the first." },
    { "UserSig", SCHEMA_STRING, AT(create_params, user_sig), .required = true, .secret = true,
      .max = 8192,
      .help =
          "The ticket of UserId, signed with the application's key. It should live longer than the "
          "recording." },
    { "RecordParams", SCHEMA_SECTION, AT(create_params, record), .required = true,
      .table = &record_schema, .help = "What is recorded, and how." },
    { "StorageParams", SCHEMA_SECTION, AT(create_params, storage), .required = true,
      .table = &storage_schema, .help = "Where the files go." },
    { "RoomIdType", SCHEMA_U64, AT(create_params, room_id_type), .max = 1, .fallback = "1",
      .help = "0 string room, 1 integer room: what the publishers entered. The rooms `123` and 123 "
              "are two." },
    { "MixTranscodeParams", SCHEMA_SECTION, AT(create_params, mix), .table = &mix_schema,
      .help = "Mixed mode: how the result is encoded." },
    { "MixLayoutParams", SCHEMA_OBJECT, AT(create_params, layout), .table = &layouts_schema,
      .help = "Mixed mode: the layout. Without it a grid." },
    { "ResourceExpiredHour", SCHEMA_U64, AT(create_params, expire_hours), .min = 6, .max = 720,
      .fallback = "72",
      .help = "Hours from the start during which the task can be described, modified and deleted. "
              "Afterwards "
              "they say ResourceNotFound, and the recording goes on until it is idle." },
    { "PrivateMapKey", SCHEMA_STRING, AT(create_params, private_map_key), .secret = true,
      .max = 8192,
      .help = "Permission ticket of the robot. Needed when the application has `private_map_key`: "
              "rights 2, 8 "
              "and 32, and 128 for aux." },
};
const struct schema create_schema = SCHEMA(struct create_params, create_rows);
