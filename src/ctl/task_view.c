#include "ctl/task_view.h"

#include "ctl/answer.h"
#include "ctl/text.h"

struct upload_left task_view_upload(const json_t *response)
{
    const json_t *upload = json_object_get(response, "ReeltimeUpload");
    return (struct upload_left){ .known = json_is_object(upload),
                                 .files = json_number(upload, "Files"),
                                 .bytes = json_number(upload, "Bytes"),
                                 .failing_s = json_number(upload, "FailingSeconds") };
}

static const char *meaning(const char *status)
{
    static const char *const meanings[][2] = {
        { "Idle", "nobody publishes" },
        { "InProgress", "recording" },
        { "Exited", "stopped; files are being delivered" },
    };
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (strcmp(meanings[i][0], status) == 0)
            return meanings[i][1];
    return NULL;
}

static void put_upload(const struct upload_left *left, struct buf *out)
{
    buf_put_str(out, "Upload  ");
    if (left->files)
        text_put_files(left->files, left->bytes, out);
    buf_put_str(out, left->files ? " to go" : "nothing waits");
    if (left->failing_s) {
        buf_put_str(out, "; failing for ");
        text_put_duration(left->failing_s, out);
    }
    buf_put_str(out, "\n");
}

static void put_file(const json_t *file, int width, struct buf *out)
{
    const char *user = json_text(file, "UserId");
    size_t start = out->len;
    text_put_printable(*user ? user : "-", out);
    int used = (int)(out->len - start);
    buf_printf(out, "%*s  %-11s  ", width > used ? width - used : 0, "",
               json_text(file, "TrackType"));
    text_put_time(json_number(file, "BeginTimeStamp") / 1000, out);
    buf_put_str(out, "  ");
    text_put_printable(json_text(file, "FileName"), out);
    buf_put_str(out, "\n");
}

static void put_files(const json_t *list, struct buf *out)
{
    size_t i;
    json_t *file;
    int width = 1;
    if (!json_array_size(list))
        buf_put_str(out, "Files   none yet\n");
    json_array_foreach(list, i, file)
    {
        int len = (int)strlen(json_text(file, "UserId"));
        width = len > width ? len : width;
    }
    json_array_foreach(list, i, file)
    {
        buf_put_str(out, i ? "        " : "Files   ");
        put_file(file, width, out);
    }
}

void task_view_text(const json_t *response, struct buf *out)
{
    const char *status = json_text(response, "Status");
    struct upload_left left = task_view_upload(response);
    buf_put_str(out, "Task    ");
    text_put_printable(json_text(response, "TaskId"), out);
    buf_put_str(out, "\nStatus  ");
    text_put_printable(status, out);
    if (meaning(status))
        buf_printf(out, " (%s)", meaning(status));
    buf_put_str(out, "\n");
    if (left.known)
        put_upload(&left, out);
    put_files(json_object_get(response, "StorageFileList"), out);
}
