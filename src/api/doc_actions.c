/* The four actions in words, and what they answer. */
#include "api/doc.h"
#include "api/modify.h"

static const struct schema_row task_id_rows[] = {
    { "TaskId", SCHEMA_STRING, .required = true, .max = 64, .help = "The recording task." },
};
static const struct schema task_id_answer = { 0, task_id_rows, 1 };

static const struct schema_row file_rows[] = {
    { "UserId", SCHEMA_STRING, .required = true, .max = 64,
      .help = "Whose file it is; empty in mixed mode." },
    { "FileName", SCHEMA_STRING, .required = true, .max = 255,
      .help = "Name of the playlist, without the folders above it." },
    { "TrackType", SCHEMA_WORD, .required = true,
      .words = (const char *const[]){ "audio", "video", "audio_video", NULL },
      .help = "What it holds." },
    { "BeginTimeStamp", SCHEMA_U64, .required = true, .max = INT64_MAX,
      .help = "When its first media arrived: Unix time in milliseconds." },
};
static const struct schema file_table = { 0, file_rows, sizeof file_rows / sizeof *file_rows };

static const struct schema_row upload_rows[] = {
    { "Files", SCHEMA_U64, .required = true, .max = INT64_MAX,
      .help = "Whole files that the bucket has not acknowledged yet." },
    { "Bytes", SCHEMA_U64, .required = true, .max = INT64_MAX, .help = "Their size." },
    { "FailingSeconds", SCHEMA_U64, .max = INT64_MAX,
      .help = "Only while uploads fail: for so long nothing has got through." },
};
static const struct schema upload_table = { 0, upload_rows,
                                            sizeof upload_rows / sizeof *upload_rows };

static const struct schema_row describe_rows[] = {
    { "TaskId", SCHEMA_STRING, .required = true, .max = 64, .help = "The recording task." },
    { "Status", SCHEMA_WORD, .required = true,
      .words = (const char *const[]){ "Idle", "InProgress", "Exited", NULL },
      .help =
          "Idle: it runs, and nobody publishes what it records. InProgress: it records. Exited: "
          "it has ended, and its files are on their way to the bucket." },
    { "StorageFileList", SCHEMA_OBJECTS, .required = true, .table = &file_table, .max_items = 1000,
      .help = "The playlists so far." },
    { "ReeltimeUpload", SCHEMA_OBJECT, .table = &upload_table,
      .help = "Ours: what is recorded and not yet in the bucket." },
};
static const struct schema describe_answer = { 0, describe_rows,
                                               sizeof describe_rows / sizeof *describe_rows };

#define TASK_EXAMPLE "{\"SdkAppId\": 1400000001, \"TaskId\": \"q3vJ7b0mX9tLr2Zc5yWk8_nAeUo1HdSx\"}"
#define TASK_ANSWER  "{\"TaskId\": \"q3vJ7b0mX9tLr2Zc5yWk8_nAeUo1HdSx\"}"

const struct doc_action doc_actions[DOC_ACTIONS] = {
    {
        .name = "CreateCloudRecording",
        .title = "Starts a recording",
        .about =
            "The recorder enters the room as the user `UserId` and records who publishes there, "
            "now "
            "and later, until DeleteCloudRecording, or until nobody has published for "
            "`MaxIdleTime`. The room need not exist yet. A room may have several tasks with "
            "different robots. The TaskId is the only handle of the task: keep it. Whether a start "
            "went well, where its files are and how it ended is told by callbacks too.",
        .request = &create_schema,
        .response = &task_id_answer,
        .example =
            "{\"SdkAppId\": 1400000001, \"RoomId\": \"4711\", \"RoomIdType\": 1, "
            "\"UserId\": \"recorder_4711\", \"UserSig\": "
            "\"eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwo\", "
            "\"RecordParams\": {\"RecordMode\": 1, \"MaxIdleTime\": 60, \"StreamType\": 0, "
            "\"SubscribeStreamUserIds\": {\"SubscribeAudioUserIds\": [\"alice\", \"class1.*$\"]}}, "
            "\"StorageParams\": {\"CloudStorage\": {\"Vendor\": 1, \"Region\": \"eu-central-1\", "
            "\"Bucket\": \"recordings\", \"AccessKey\": \"AKexample\", \"SecretKey\": "
            "\"SKexample\", "
            "\"FileNamePrefix\": [\"class\", \"2025\"], \"EndpointUrl\": "
            "\"objects.example.test\"}}}",
        .answer = TASK_ANSWER,
    },
    {
        .name = "DescribeCloudRecording",
        .title = "Tells the state of a recording",
        .about = "Works from the answer of CreateCloudRecording until all files are delivered. A "
                 "good moment for a first look is 15 s after the start: `Idle` then means that "
                 "nobody publishes what the task records.",
        .request = &describe_schema,
        .response = &describe_answer,
        .example = TASK_EXAMPLE,
        .answer =
            "{\"TaskId\": \"q3vJ7b0mX9tLr2Zc5yWk8_nAeUo1HdSx\", \"Status\": \"InProgress\", "
            "\"StorageFileList\": [{\"UserId\": \"alice\", \"FileName\": "
            "\"1400000001_4711__UserId_s_YWxpY2U.__UserId_e_main_audio.m3u8\", \"TrackType\": "
            "\"audio\", \"BeginTimeStamp\": 1735707617101}], "
            "\"ReeltimeUpload\": {\"Files\": 1, \"Bytes\": 48128}}",
    },
    {
        .name = "ModifyCloudRecording",
        .title = "Changes a running recording",
        .about = "Replaces the subscribe lists, the layout, or both. Each object that is given "
                 "replaces the former one whole; an object that is left out stays. The answer "
                 "comes when the change is stored. A task that has ended cannot be changed.",
        .request = &modify_schema,
        .response = &task_id_answer,
        .example = "{\"SdkAppId\": 1400000001, \"TaskId\": \"q3vJ7b0mX9tLr2Zc5yWk8_nAeUo1HdSx\", "
                   "\"SubscribeStreamUserIds\": {\"UnSubscribeVideoUserIds\": [\"bob\"]}}",
        .answer = TASK_ANSWER,
    },
    {
        .name = "DeleteCloudRecording",
        .title = "Ends a recording",
        .about = "Answers at once; the files that are not in the bucket yet go on their way, and a "
                 "callback tells when they are there. Until then DescribeCloudRecording says "
                 "`Exited`, afterwards ResourceNotFound. A second Delete of an ending task "
                 "succeeds.",
        .request = &delete_schema,
        .response = &task_id_answer,
        .example = TASK_EXAMPLE,
        .answer = TASK_ANSWER,
    },
};

static bool is_there(const struct doc_object *objects, size_t count, const struct schema *table)
{
    for (size_t i = 0; i < count; i++)
        if (objects[i].table == table)
            return true;
    return false;
}

/* "MixLayout" of "MixLayoutList". */
static size_t object_name_len(const struct schema_row *row)
{
    static const char list[] = "List";
    size_t len = strlen(row->name), tail = sizeof list - 1;
    bool cut =
        row->type == SCHEMA_OBJECTS && len > tail && strcmp(row->name + len - tail, list) == 0;
    return cut ? len - tail : len;
}

static size_t collect(struct doc_object *out, size_t count, const struct schema *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_row *row = &table->rows[i];
        if (!row->table || is_there(out, count, row->table) || count == DOC_MAX_OBJECTS)
            continue;
        out[count++] = (struct doc_object){ row->name, object_name_len(row), row->table, row };
        count = collect(out, count, row->table);
    }
    return count;
}

size_t doc_objects(struct doc_object out[DOC_MAX_OBJECTS])
{
    size_t count = 0;
    for (size_t i = 0; i < DOC_ACTIONS; i++)
        count = collect(out, count, doc_actions[i].request);
    for (size_t i = 0; i < DOC_ACTIONS; i++)
        count = collect(out, count, doc_actions[i].response);
    return count;
}
