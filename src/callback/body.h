/* The bodies of recording events, group 3, byte for byte in the form of callbacks.md 2 to 4:
 * compact JSON, members in the order of the samples. Pure. */
#ifndef CALLBACK_BODY_H
#define CALLBACK_BODY_H

#include "base/buf.h"
#include "base/clock.h"

enum callback_type {
    CALLBACK_RECORDER_START = 301,
    CALLBACK_RECORDER_STOP = 302,
    CALLBACK_UPLOAD_START = 303,
    CALLBACK_FILE_INFO = 304,
    CALLBACK_UPLOAD_STOP = 305,
    CALLBACK_FAILOVER = 306,
    CALLBACK_FILE_SLICE = 307,
    CALLBACK_UPLOAD_ERROR = 308,
    CALLBACK_IMAGE_ERROR = 309,
    CALLBACK_MP4_STOP = 310,
};

#define CALLBACK_GROUP_RECORDING 3

/* One file of a 310. Times are Unix time. */
struct callback_file {
    const char *file_name;
    const char *user_id;    /* recorded user, "" in mixed mode */
    const char *track_type; /* "audio", "video", "audio_video" */
    const char *media_id;   /* "main", "aux", "mix" */
    usec_t start, end;
};

/* What happened. Everything is borrowed for the call. */
struct callback_event {
    enum callback_type type;
    const char *room_id; /* as text, for numbers too */
    const char *user_id; /* the robot */
    const char *task_id;
    usec_t happened; /* Unix time */
    union {
        int status;            /* 301, 303, 305, 306 */
        int leave_code;        /* 302 */
        const char *file_list; /* 304: the playlist's name */
        const char *url;       /* 309 */
        struct {               /* 307 */
            const char *file_name, *user_id, *track_type;
            usec_t begin; /* Unix time */
        } slice;
        struct { /* 308: as the storage said */
            const char *code, *message;
        } error;
        struct { /* 310 */
            int status;
            const struct callback_file *files;
            size_t file_count;
        } mp4;
    };
};

/* For consumers that are stricter than the samples. All false: as the samples. */
struct callback_style {
    bool numeric_event_ts; /* EventTs is a number in 301, 302 and 307 too */
    bool leave_code_305;   /* 305 says LeaveCode instead of Status */
};

/* Appends the body. `callback_ts` is Unix time. ERR_MALFORMED: a text is not UTF-8, or the type is
 * unknown. The buffer's own error. */
int callback_body(struct buf *out, const struct callback_event *event, usec_t callback_ts,
                  const struct callback_style *style);

#endif
