#include "config/table.h"

#include "schema/formats.h"

#define REGION_CHARS "a-zA-Z0-9._-"
#define PATH_MAX_LEN 1024

/* callbacks.md 1: the charset of an address, with the colon of its scheme and port. */
#define CALLBACK_URL_CHARS "a-zA-Z0-9_?%=#./+:-"
#define CALLBACK_URL_MAX   2083
#define CALLBACK_KEY_MAX   32

#define AT(type, member) offsetof(struct type, member)

typedef __typeof__(((struct config *)0)->api) api_section;
typedef __typeof__(((struct config *)0)->api.tls) tls_section;
typedef __typeof__(((struct config *)0)->media) media_section;
typedef __typeof__(((struct config *)0)->log) log_section;
typedef __typeof__(((struct config *)0)->limits) limits_section;
typedef __typeof__(((struct config *)0)->record) record_section;
typedef __typeof__(((struct config *)0)->outgoing) outgoing_section;

/* Events of every kind. */
#define RECEIVER_ROWS                                                                              \
    { "url",                                                                                       \
      SCHEMA_STRING,                                                                               \
      AT(config_receiver, url),                                                                    \
      .max = CALLBACK_URL_MAX,                                                                     \
      .charset = CALLBACK_URL_CHARS,                                                               \
      .format = &format_http_url,                                                                  \
      .help = "Where these events are posted. Without it none are." },                             \
        { "key",                                                                                   \
          SCHEMA_STRING,                                                                           \
          AT(config_receiver, key),                                                                \
          .secret = true,                                                                          \
          .max = CALLBACK_KEY_MAX,                                                                 \
          .charset = "a-zA-Z0-9",                                                                  \
          .help = "Signs them (header Sign). Without it they carry no signature." },               \
        { "strict", SCHEMA_BOOL, AT(config_receiver, strict), .fallback = "false",                 \
          .help = "Gives up a minute after the first attempt, as the cloud original does." },      \
        { "max_hours",                                                                             \
          SCHEMA_U64,                                                                              \
          AT(config_receiver, max_hours),                                                          \
          .min = 1,                                                                                \
          .max = 720,                                                                              \
          .fallback = "24",                                                                        \
          .help = "Gives up so many hours after the first attempt." },                             \
        { "max_pause",                                                                             \
          SCHEMA_U64,                                                                              \
          AT(config_receiver, max_pause),                                                          \
          .min = 10,                                                                               \
          .max = 3600,                                                                             \
          .fallback = "600",                                                                       \
          .help = "The longest pause between attempts, in seconds. After the first minute pauses " \
                  "grow up to it." },                                                              \
    {                                                                                              \
        "insecure_tls", SCHEMA_BOOL, AT(config_receiver, insecure_tls),                            \
            .fallback = "false", .help = "Does not check the certificate."                         \
    }

static const struct schema_row callback_rows[] = {
    RECEIVER_ROWS,
    { "upload_errors", SCHEMA_BOOL, AT(config_receiver, upload_errors), .fallback = "true",
      .help = "Sends event 308 when a storage refuses for a reason that stops the upload (key, "
              "bucket, request)." },
    { "numeric_event_ts", SCHEMA_BOOL, AT(config_receiver, numeric_event_ts), .fallback = "false",
      .help = "EventTs is a number in events 301, 302 and 307 too." },
    { "leave_code_305", SCHEMA_BOOL, AT(config_receiver, leave_code_305), .fallback = "false",
      .help = "Event 305 says LeaveCode instead of Status." },
};
static const struct schema callback_schema = SCHEMA(struct config_receiver, callback_rows);

static const struct schema_row receiver_rows[] = { RECEIVER_ROWS };
static const struct schema receiver_schema = SCHEMA(struct config_receiver, receiver_rows);

static const char *const auto_types[] = { "audio_video", "audio", "video", NULL };

static const struct schema_row auto_rows[] = {
    { "type", SCHEMA_WORD, AT(config_auto_record, type), .words = auto_types,
      .fallback = "audio_video", .help = "What is recorded." },
    { "formats", SCHEMA_STRINGS, AT(config_auto_record, formats), .max = 3, .charset = "a-z0-9",
      .max_items = 2, .fallback = "hls",
      .help = "hls, mp4, or both; aac, alone or with hls, for type audio." },
    { "max_file_minutes", SCHEMA_U64, AT(config_auto_record, max_file_minutes), .min = 1,
      .max = 1440, .fallback = "1440", .help = "Minutes after which an MP4 or AAC file is split." },
    { "resume_timeout", SCHEMA_U64, AT(config_auto_record, resume_timeout), .min = 1, .max = 86400,
      .fallback = "30",
      .help = "The recording ends when nobody has published in the room for so many seconds." },
    { "region", SCHEMA_STRING, AT(config_auto_record, region), .required = true, .max = 64,
      .charset = REGION_CHARS, .help = "Where the files go: the region of an entry of storage." },
    { "bucket", SCHEMA_STRING, AT(config_auto_record, bucket), .required = true, .max = 255,
      .charset = "a-zA-Z0-9._-", .help = "The bucket there." },
    { "prefix", SCHEMA_STRINGS, AT(config_auto_record, prefix), .max = 128,
      .charset = "a-zA-Z0-9_-", .max_items = 16, .help = "Folders above the task's." },
    { "access_key", SCHEMA_STRING, AT(config_auto_record, access_key), .secret = true, .max = 256,
      .help = "Access key of the bucket, when the entry of storage has an endpoint." },
    { "secret_key", SCHEMA_STRING, AT(config_auto_record, secret_key), .secret = true, .max = 256,
      .help = "Secret key of the bucket." },
};
static const struct schema auto_schema = SCHEMA(struct config_auto_record, auto_rows);

static const struct schema_row app_rows[] = {
    { "sdk_app_id", SCHEMA_U64, AT(config_app, sdk_app_id), .required = true, .min = 1,
      .max = UINT32_MAX, .help = "The application's number, SdkAppId of the API." },
    { "key", SCHEMA_STRING, AT(config_app, key), .required = true, .secret = true, .max = 256,
      .help = "The key that signs the UserSig of its users." },
    { "callback", SCHEMA_SECTION, AT(config_app, callback), .table = &callback_schema,
      .help = "Delivery of recording events (301 to 312)." },
    { "room_callback", SCHEMA_SECTION, AT(config_app, room_callback), .table = &receiver_schema,
      .help = "Delivery of room events (101 to 104)." },
    { "media_callback", SCHEMA_SECTION, AT(config_app, media_callback), .table = &receiver_schema,
      .help = "Delivery of media events (201 to 206)." },
    { "auto_record", SCHEMA_OBJECT, AT(config_app, auto_record), .table = &auto_schema,
      .help = "Records every room by itself. Without it, only what the API is asked for." },
    { "private_map_key", SCHEMA_BOOL, AT(config_app, private_map_key), .fallback = "false",
      .help = "Advanced permission control: everybody needs a PrivateMapKey to enter a room." },
};
static const struct schema app_schema = SCHEMA(struct config_app, app_rows);

static bool action_ok(const char *text)
{
    static const char *const names[] = { "CreateCloudRecording", "DescribeCloudRecording",
                                         "ModifyCloudRecording", "DeleteCloudRecording" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], text) == 0)
            return true;
    return false;
}

/* A right to what does not exist is a slip. */
static const struct schema_format format_action = {
    "Create-, Describe-, Modify- or DeleteCloudRecording", action_ok
};

static const struct schema_row credential_rows[] = {
    { "secret_id", SCHEMA_STRING, AT(config_credential, secret_id), .required = true, .max = 128,
      .charset = "a-zA-Z0-9_-", .help = "The id that API requests name in their signature." },
    { "secret_key", SCHEMA_STRING, AT(config_credential, secret_key), .required = true,
      .secret = true, .max = 256, .help = "The key that makes the signature." },
    { "apps", SCHEMA_STRINGS, AT(config_credential, apps), .max = 10, .charset = "0-9",
      .max_items = 1000, .help = "Applications (sdk_app_id) it may be used for. Without it, all." },
    { "actions", SCHEMA_STRINGS, AT(config_credential, actions), .max = 64,
      .format = &format_action, .max_items = 16,
      .help = "Actions it may be used for, like DescribeCloudRecording. Without it, all." },
};
static const struct schema credential_schema = SCHEMA(struct config_credential, credential_rows);

static const struct schema_row storage_rows[] = {
    { "region", SCHEMA_STRING, AT(config_storage, region), .required = true, .max = 64,
      .charset = REGION_CHARS,
      .help = "StorageParams.CloudStorage.Region of the tasks whose files go here." },
    { "dir", SCHEMA_STRING, AT(config_storage, dir), .max = PATH_MAX_LEN,
      .help = "A folder that holds one folder per bucket. Either this or endpoint." },
    { "endpoint", SCHEMA_STRING, AT(config_storage, endpoint), .max = 2048,
      .format = &format_http_url, .help = "The URL of an S3-compatible store." },
    { "path_style", SCHEMA_BOOL, AT(config_storage, path_style), .fallback = "true",
      .help = "Name the bucket in the path (true) or in the host name (false) of an endpoint." },
    { "signing_region", SCHEMA_STRING, AT(config_storage, signing_region), .max = 64,
      .charset = REGION_CHARS,
      .help = "The endpoint's own name of its region, for signatures. Without it, region." },
    { "apps", SCHEMA_STRINGS, AT(config_storage, apps), .max = 10, .charset = "0-9",
      .max_items = 1000,
      .help = "The applications (sdk_app_id) that may store here. Without it, all." },
};
static const struct schema storage_schema = SCHEMA(struct config_storage, storage_rows);

static const struct schema_row tls_rows[] = {
    { "cert", SCHEMA_STRING, offsetof(tls_section, cert), .max = PATH_MAX_LEN,
      .help = "PEM file with the certificate chain. With key: serves https." },
    { "key", SCHEMA_STRING, offsetof(tls_section, key), .max = PATH_MAX_LEN,
      .help = "PEM file with the private key." },
};
static const struct schema tls_schema = SCHEMA(tls_section, tls_rows);

static const struct schema_row api_rows[] = {
    { "listen", SCHEMA_STRING, offsetof(api_section, listen), .max = 64, .format = &format_hostport,
      .fallback = "127.0.0.1:9000", .help = "Address and port of the API, WHIP and the metrics." },
    { "public_url", SCHEMA_STRING, offsetof(api_section, public_url), .max = 2048,
      .format = &format_http_url,
      .help = "How clients reach it from outside. Without it, made from listen." },
    { "tls", SCHEMA_SECTION, offsetof(api_section, tls), .table = &tls_schema,
      .help = "Serves https instead of http." },
    { "requests_per_second", SCHEMA_U64, offsetof(api_section, requests_per_second), .max = 100000,
      .fallback = "20",
      .help = "Requests per second of one secret id for one action. 0: no limit." },
    { "requests_per_second_key", SCHEMA_U64, offsetof(api_section, requests_per_second_key),
      .max = 100000, .fallback = "0",
      .help = "Requests per second of one secret id for all actions. 0: no limit." },
    { "requests_per_second_region", SCHEMA_U64, offsetof(api_section, requests_per_second_region),
      .max = 100000, .fallback = "0",
      .help = "Requests per second of one secret id that name one region. 0: no limit." },
    { "requests_per_second_address", SCHEMA_U64, offsetof(api_section, requests_per_second_address),
      .max = 100000, .fallback = "0",
      .help = "Requests per second from one address, well signed or not. 0: no limit." },
    { "path_prefix", SCHEMA_STRING, offsetof(api_section, path_prefix), .max = 256,
      .charset = "a-zA-Z0-9/._~-", .format = &format_path_prefix,
      .help = "Serves the API below this path too, as well as at /." },
    { "strict_parameters", SCHEMA_BOOL, offsetof(api_section, strict_parameters),
      .fallback = "true",
      .help = "Refuses unknown parameters (UnknownParameter). false: ignores them." },
    { "refuse_replays", SCHEMA_BOOL, offsetof(api_section, refuse_replays), .fallback = "false",
      .help = "Refuses a request with an HmacSHA1 or HmacSHA256 signature that comes a second time "
              "(same SecretId, Nonce and Timestamp). Clients that repeat a request unchanged after "
              "a broken connection are then refused too." },
    { "metrics", SCHEMA_BOOL, offsetof(api_section, metrics), .fallback = "true",
      .help = "Serve /metrics for Prometheus, to whoever reaches listen." },
};
static const struct schema api_schema = SCHEMA(api_section, api_rows);

static const struct schema_row media_rows[] = {
    { "listen", SCHEMA_STRING, offsetof(media_section, listen), .max = 64, .format = &format_ip,
      .fallback = "127.0.0.1", .help = "Address on which media arrives (UDP)." },
    { "port", SCHEMA_U64, offsetof(media_section, port), .min = 1, .max = 65535, .fallback = "9100",
      .help = "UDP port of the first media loop; the others follow." },
    { "loops", SCHEMA_U64, offsetof(media_section, loops), .min = 1, .max = 64, .fallback = "2",
      .help = "Media threads, each with a port of its own. About one per core." },
    { "advertise", SCHEMA_STRINGS, offsetof(media_section, advertise), .max = 64,
      .format = &format_ip, .max_items = 8,
      .help = "Addresses that publishers are told to send to. Without it, listen." },
};
static const struct schema media_schema = SCHEMA(media_section, media_rows);

static const char *const level_words[] = { "error", "warn", "info", "debug", NULL };
static const char *const format_words[] = { "text", "json", NULL };

static const struct schema_row log_rows[] = {
    { "level", SCHEMA_WORD, offsetof(log_section, level), .words = level_words, .fallback = "info",
      .help = "The least important lines that are written." },
    { "format", SCHEMA_WORD, offsetof(log_section, format), .words = format_words,
      .fallback = "text", .help = "Text, or one JSON object a line." },
};
static const struct schema log_schema = SCHEMA(log_section, log_rows);

static const struct schema_row outgoing_rows[] = {
    { "allow", SCHEMA_STRINGS, offsetof(outgoing_section, allow), .max = 64,
      .format = &format_network, .max_items = 100,
      .help = "Networks that hosts named by API callers (EndpointUrl) may be in although they are "
              "private, loopback or the like." },
    { "ca_file", SCHEMA_STRING, offsetof(outgoing_section, ca_file), .max = PATH_MAX_LEN,
      .help = "PEM file of the authorities that certificates of object stores must come from. "
              "Without it, the system's." },
    { "multipart_from_mib", SCHEMA_U64, offsetof(outgoing_section, multipart_from_mib), .min = 5,
      .max = 5120, .fallback = "64",
      .help = "Files of so many MiB and more go into object stores in parts." },
    { "part_mib", SCHEMA_U64, offsetof(outgoing_section, part_mib), .min = 5, .max = 5120,
      .fallback = "16",
      .help = "MiB in a part. What a broken connection may cost is at most one; a file has at most "
              "10000 of them, larger ones if need be." },
};
static const struct schema outgoing_schema = SCHEMA(outgoing_section, outgoing_rows);

static const struct schema_row limits_rows[] = {
    { "tasks_per_app", SCHEMA_U64, offsetof(limits_section, tasks_per_app), .min = 1, .max = 100000,
      .fallback = "100", .help = "Recording tasks of one application that may run at once." },
    { "rooms", SCHEMA_U64, offsetof(limits_section, rooms), .min = 1, .max = 1000000,
      .fallback = "10000", .help = "Rooms that may exist at once." },
    { "sessions", SCHEMA_U64, offsetof(limits_section, sessions), .min = 1, .max = 100000,
      .fallback = "2000", .help = "Publishers that may be connected at once." },
    { "sessions_per_room", SCHEMA_U64, offsetof(limits_section, sessions_per_room), .min = 1,
      .max = 10000, .fallback = "50",
      .help = "Users who publish in one room at once. 50 in the cloud original." },
    { "start_keys_per_app", SCHEMA_U64, offsetof(limits_section, start_keys_per_app), .min = 1,
      .max = 1000000, .fallback = "10000",
      .help = "Starts of one application with an X-Reeltime-Idempotency-Key in 24 hours; beyond "
              "that such starts are refused (LimitExceeded)." },
    { "undelivered_hours", SCHEMA_U64, offsetof(limits_section, undelivered_hours), .min = 1,
      .max = 8760, .fallback = "168",
      .help = "Files that their bucket does not take are tried so many hours after the end of "
              "their task. Then they stay in the spool, untried and undeleted." },
    { "disk_reserve_mib", SCHEMA_U64, offsetof(limits_section, disk_reserve_mib), .max = 1u << 30,
      .fallback = "256",
      .help = "With less room on the disk under data, in MiB, /readyz says no." },
};
static const struct schema limits_schema = SCHEMA(limits_section, limits_rows);

static const struct schema_row record_rows[] = {
    { "segment_seconds", SCHEMA_U64, offsetof(record_section, segment_seconds), .min = 1, .max = 60,
      .fallback = "10", .help = "Length of an HLS segment." },
    { "max_idle", SCHEMA_U64, offsetof(record_section, max_idle), .min = 5, .max = 86400,
      .fallback = "30", .help = "RecordParams.MaxIdleTime of tasks that do not give it." },
};
static const struct schema record_schema = SCHEMA(record_section, record_rows);

static const struct schema_row config_rows[] = {
    { "data", SCHEMA_STRING, AT(config, data), .max = PATH_MAX_LEN, .fallback = "./reeltime-data",
      .help = "The folder for state, files being written and generated keys. A relative path "
              "starts at the working directory." },
    { "node", SCHEMA_STRING, AT(config, node), .max = 32, .charset = "a-zA-Z0-9_-",
      .fallback = "node-1", .help = "This machine's name. Each machine of a cluster has another." },
    { "master_key_file", SCHEMA_STRING, AT(config, master_key_file), .max = PATH_MAX_LEN,
      .help = "File with the key that encrypts stored secrets. Without it, one is made in data." },
    { "api", SCHEMA_SECTION, AT(config, api), .table = &api_schema, .help = "The HTTP side." },
    { "media", SCHEMA_SECTION, AT(config, media), .table = &media_schema,
      .help = "The side where media arrives." },
    { "apps", SCHEMA_OBJECTS, AT(config, apps), .table = &app_schema, .max_items = 1000,
      .help = "The applications. Without apps and credentials, one of each is generated." },
    { "credentials", SCHEMA_OBJECTS, AT(config, credentials), .table = &credential_schema,
      .max_items = 1000, .help = "Who may call the API." },
    { "storage", SCHEMA_OBJECTS, AT(config, storage), .table = &storage_schema, .max_items = 100,
      .help = "Where files go. Without it, region local in the folder buckets of data." },
    { "outgoing", SCHEMA_SECTION, AT(config, outgoing), .table = &outgoing_schema,
      .help = "Requests of the daemon to hosts that others named." },
    { "regions", SCHEMA_STRINGS, AT(config, regions), .max = 64, .charset = REGION_CHARS,
      .max_items = 64, .fallback = "ap-beijing,ap-guangzhou,ap-mumbai,ap-shanghai,ap-singapore",
      .help = "Regions that API requests may name (header X-TC-Region)." },
    { "log", SCHEMA_SECTION, AT(config, log), .table = &log_schema, .help = "The log on stderr." },
    { "limits", SCHEMA_SECTION, AT(config, limits), .table = &limits_schema,
      .help = "What the daemon takes on at most." },
    { "record", SCHEMA_SECTION, AT(config, record), .table = &record_schema,
      .help = "How tasks record." },
};
const struct schema config_schema = SCHEMA(struct config, config_rows);

static const struct schema_row keys_rows[] = {
    { "apps", SCHEMA_OBJECTS, AT(config_keys, apps), .required = true, .table = &app_schema,
      .max_items = 1, .help = "The generated application." },
    { "credentials", SCHEMA_OBJECTS, AT(config_keys, credentials), .required = true,
      .table = &credential_schema, .max_items = 1, .help = "The generated credential." },
};
const struct schema config_keys_schema = SCHEMA(struct config_keys, keys_rows);
