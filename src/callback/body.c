#include "callback/body.h"

#include <jansson.h>

#include "base/err.h"

static json_int_t ms(usec_t time)
{
    return time / MSEC;
}

/* The samples have a text in the oldest events (callbacks.md 2). */
static json_t *event_ts(const struct callback_event *event, const struct callback_style *style)
{
    bool text = event->type == CALLBACK_RECORDER_START || event->type == CALLBACK_RECORDER_STOP ||
                event->type == CALLBACK_FILE_SLICE;
    json_int_t seconds = event->happened / SEC;
    if (text && !style->numeric_event_ts)
        return json_sprintf("%" JSON_INTEGER_FORMAT, seconds);
    return json_integer(seconds);
}

static json_t *slice_payload(const struct callback_event *event)
{
    return json_pack("{s:s,s:s,s:s,s:I}", "FileName", event->slice.file_name, "UserId",
                     event->slice.user_id, "TrackType", event->slice.track_type, "BeginTimeStamp",
                     ms(event->slice.begin));
}

static json_t *file_message(const struct callback_file *file)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "FileName", file->file_name, "UserId",
                     file->user_id, "TrackType", file->track_type, "MediaId", file->media_id,
                     "StartTimeStamp", ms(file->start), "EndTimeStamp", ms(file->end));
}

static json_t *mp4_payload(const struct callback_event *event)
{
    json_t *list = json_array(), *messages = json_array();
    bool whole = true;
    for (size_t i = 0; i < event->mp4.file_count; i++) {
        const struct callback_file *file = &event->mp4.files[i];
        whole &= json_array_append_new(list, json_string(file->file_name)) == 0;
        whole &= json_array_append_new(messages, file_message(file)) == 0;
    }
    json_t *payload = json_pack("{s:i,s:o,s:o}", "Status", event->mp4.status, "FileList", list,
                                "FileMessage", messages);
    if (whole)
        return payload;
    json_decref(payload);
    return NULL;
}

static json_t *payload_of(const struct callback_event *event, const struct callback_style *style)
{
    switch (event->type) {
    case CALLBACK_RECORDER_START:
    case CALLBACK_UPLOAD_START:
    case CALLBACK_FAILOVER: return json_pack("{s:i}", "Status", event->status);
    case CALLBACK_RECORDER_STOP: return json_pack("{s:i}", "LeaveCode", event->leave_code);
    case CALLBACK_FILE_INFO: return json_pack("{s:s}", "FileList", event->file_list);
    case CALLBACK_UPLOAD_STOP:
        return json_pack("{s:i}", style->leave_code_305 ? "LeaveCode" : "Status", event->status);
    case CALLBACK_FILE_SLICE: return slice_payload(event);
    case CALLBACK_UPLOAD_ERROR:
        return json_pack("{s:s,s:s}", "Code", event->error.code, "Message", event->error.message);
    case CALLBACK_IMAGE_ERROR: return json_pack("{s:s}", "Url", event->url);
    case CALLBACK_MP4_STOP: return mp4_payload(event);
    }
    return NULL;
}

static int put(const char *text, size_t len, void *out)
{
    buf_put(out, text, len);
    return ((struct buf *)out)->err ? -1 : 0;
}

int callback_body(struct buf *out, const struct callback_event *event, usec_t callback_ts,
                  const struct callback_style *style)
{
    json_t *payload = payload_of(event, style);
    if (!payload)
        return ERR_MALFORMED;
    /* "o" takes its value over even when the packing fails. */
    json_t *body = json_pack("{s:i,s:i,s:I,s:{s:s,s:o,s:I,s:s,s:s,s:o}}", "EventGroupId",
                             CALLBACK_GROUP_RECORDING, "EventType", (int)event->type, "CallbackTs",
                             ms(callback_ts), "EventInfo", "RoomId", event->room_id, "EventTs",
                             event_ts(event, style), "EventMsTs", ms(event->happened), "UserId",
                             event->user_id, "TaskId", event->task_id, "Payload", payload);
    if (!body)
        return ERR_MALFORMED;
    int failed = json_dump_callback(body, put, out, JSON_COMPACT);
    json_decref(body);
    if (!failed)
        return OK;
    return out->err ? out->err : ERR_NOMEM;
}
