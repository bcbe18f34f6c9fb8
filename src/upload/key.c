#include "upload/key.h"

#include "base/err.h"
#include "io/file.h"

int key_build(struct buf *out, const char *prefix, const char *task_id, const char *name)
{
    if (prefix[0])
        buf_printf(out, "%s/", prefix);
    buf_printf(out, "%s/%s", task_id, name);
    return out->err ? out->err : out->len > KEY_MAX ? ERR_LIMIT : OK;
}

const char *key_content_type(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        { ".m3u8", "application/vnd.apple.mpegurl" },
        { ".ts", "video/mp2t" },
        { ".mp4", "video/mp4" },
        { ".aac", "audio/aac" },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (file_has_suffix(name, types[i].ending))
            return types[i].type;
    return "application/octet-stream";
}
