#include "ctl/create_params.h"

#include "ctl/command.h"

#define AT(member) offsetof(struct create_options, member)

/* In the order of the API's numbers (api.md 9.1, 9.2). */
static const char *const room_types[] = { "string", "int", NULL };
static const char *const formats[] = { "hls", "hls+mp4", "hls+aac", "mp4", "aac", NULL };
static const char *const media[] = { "both", "main", "aux", NULL };
static const char *const vendors[] = { "cos", "s3", NULL };

static const struct option_row task_rows[] = {
    { "room", OPTION_TEXT, AT(room), "ID", .help = "The room to record." },
    { "room-type", OPTION_WORD, AT(room_type), .words = room_types, .help = "Default: string." },
    { "robot", OPTION_TEXT, AT(robot), "ID",
      .help = "The recording robot's user id. Default: recorder_ROOM." },
    { "user-sig", OPTION_TEXT, AT(user_sig), "TICKET",
      .help = "The robot's UserSig. Default: made with the\n"
              "application's key (--config, or REELTIME_APP_KEY)." },
    { "private-map-key", OPTION_TEXT, AT(private_map_key), "TICKET",
      .help = "The robot's room permission. Default: made when the\n"
              "configuration says the application needs it." },
    { "expire-hours", OPTION_NUMBER, AT(expire_hours), "N", .min = 6, .max = 720,
      .help = "How long the task can be described and deleted\n"
              "(ResourceExpiredHour). Default: 72." },
    { "once", OPTION_TEXT, AT(once), "KEY",
      .help = "Starts nothing when a start with this key has succeeded in\n"
              "the last 24 hours: prints the TaskId of that one. Good for\n"
              "scripts that try again." },
    { "params", OPTION_TEXT, AT(params), "FILE",
      .help = "Parameters of CreateCloudRecording as JSON, for what has\n"
              "no option here; options count above it. '-': stdin." },
};

static const struct option_row what_rows[] = {
    { "audio-only", OPTION_FLAG, AT(audio_only), .help = "No video." },
    { "video-only", OPTION_FLAG, AT(video_only), .help = "No audio." },
    { "merge", OPTION_FLAG, AT(merge), .help = "Audio and video of a user in one file (AvMerge)." },
    { "mixed", OPTION_FLAG, AT(mixed),
      .help = "All users in one picture (RecordMode 2) instead of each\n"
              "user alone." },
    { "users", OPTION_TEXT, AT(users), "A,B",
      .help = "Only these users; 'x.*$' stands for all that begin with\n"
              "x. Default: all." },
    { "media", OPTION_WORD, AT(media), .words = media,
      .help = "Main streams, auxiliary streams, or both. Default: both." },
    { "format", OPTION_WORD, AT(format), .words = formats, .help = "Default: hls." },
    { "idle", OPTION_NUMBER, AT(idle), "SECONDS", .min = 5, .max = 86400,
      .help = "The task ends after so long without publishers.\n"
              "Default: the service's." },
};

static const struct option_row storage_rows[] = {
    { "bucket", OPTION_TEXT, AT(bucket), "NAME", .help = "Where the files go." },
    { "region", OPTION_TEXT, AT(region), "NAME",
      .help = "Region of the bucket. Default: the only storage entry of\n"
              "the configuration ('local' for a daemon without one)." },
    { "access-key", OPTION_TEXT, AT(access_key), "KEY",
      .help = "Of the bucket. Default: AWS_ACCESS_KEY_ID. A folder\n"
              "bucket needs none." },
    { "secret-key-storage", OPTION_TEXT, AT(secret_key), "KEY",
      .help = "Of the bucket. Others on this machine can read it in the\n"
              "process list: better AWS_SECRET_ACCESS_KEY." },
    { "prefix", OPTION_TEXT, AT(prefix), "A/B", .help = "Folders above the task's own." },
    { "endpoint-url", OPTION_TEXT, AT(endpoint_url), "URL",
      .help = "An S3-compatible store in place of the vendor's own." },
    { "vendor", OPTION_WORD, AT(vendor), .words = vendors, .help = "Default: s3." },
};

static const struct option_group groups[] = { OPTION_GROUP("Room and robot", task_rows),
                                              OPTION_GROUP("What is recorded", what_rows),
                                              OPTION_GROUP("Storage", storage_rows),
                                              ACCOUNT_GROUP,
                                              { NULL, NULL, 0 } };

const struct option_table create_table = {
    .command = "reeltime ctl create",
    .usual = "--room ID --bucket NAME",
    .about = "Starts to record a room and prints the TaskId.\n",
    .groups = groups,
    .after = "Examples:\n"
             "  reeltime ctl create --room room-1 --bucket recordings\n"
             "  reeltime ctl create --room 4711 --room-type int --audio-only --idle 300 \\\n"
             "      --bucket recordings --prefix class/2025\n"
             "  AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... reeltime ctl create \\\n"
             "      --room room-1 --region eu-central-1 --bucket my-bucket\n"
             "  reeltime ctl create --room room-1 --bucket recordings --params layout.json\n"
             "\n" CTL_EXIT_HELP,
};
