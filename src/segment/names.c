#include "segment/names.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

static const char *const media_text[] = { [NAMES_MAIN] = "main", [NAMES_AUX] = "aux" };
static const char *const type_text[] = {
    [NAMES_AUDIO] = "audio",
    [NAMES_VIDEO] = "video",
    [NAMES_AUDIO_VIDEO] = "audiovideo",
};

const char *names_media_text(enum names_media media)
{
    return media_text[media];
}

/* What the API allows in UserDefineRecordId, and more than it allows in a number. */
static bool plain(const char *text)
{
    return *text && str_only(bytes_str(text), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                              "0123456789_-");
}

static bool usable(const struct names *n)
{
    if (!n->room_id || !*n->room_id || (n->user_id && !*n->user_id))
        return false;
    return (n->room_is_string || plain(n->room_id)) && (!n->user_define || plain(n->user_define));
}

/* The part that all files of a playlist or MP4 have in common, up to the media id. */
static void put_stem(struct buf *b, const struct names *n)
{
    if (n->user_define)
        buf_printf(b, "%s__UserDefine_u_", n->user_define);
    if (n->recovery)
        buf_printf(b, "ha%u_", n->recovery);
    buf_printf(b, "%u_", (unsigned)n->sdk_app_id);
    if (n->room_is_string)
        base64_encode(b, bytes_str(n->room_id), BASE64_ESCAPED);
    else
        buf_put_str(b, n->room_id);
    if (!n->user_id)
        return;
    buf_put_str(b, "__UserId_s_");
    base64_encode(b, bytes_str(n->user_id), BASE64_ESCAPED);
    buf_printf(b, "__UserId_e_%s", media_text[n->media]);
}

static void put_typed_stem(struct buf *b, const struct names *n)
{
    put_stem(b, n);
    if (n->user_id)
        buf_printf(b, "_%s", type_text[n->type]);
}

static void put_index(struct buf *b, unsigned index)
{
    if (index)
        buf_printf(b, "_%u", index);
}

static int begin(struct buf *b, char *out, const struct names *n)
{
    out[0] = 0;
    buf_init(b, NAMES_SIZE - 1);
    return usable(n) ? OK : ERR_RANGE;
}

static int end(struct buf *b, char *out)
{
    int err = b->err;
    if (!err)
        str_copy(out, NAMES_SIZE, buf_bytes(b));
    buf_fini(b);
    return err;
}

int names_playlist(char out[NAMES_SIZE], const struct names *n, unsigned index)
{
    struct buf b;
    int err = begin(&b, out, n);
    if (err)
        return err;
    put_typed_stem(&b, n);
    put_index(&b, index);
    buf_put_str(&b, ".m3u8");
    return end(&b, out);
}

int names_segment(char out[NAMES_SIZE], const struct names *n, usec_t start)
{
    struct buf b;
    int err = begin(&b, out, n);
    if (err)
        return err;
    char utc[18];
    clock_format_utc17(start, utc);
    put_typed_stem(&b, n);
    buf_printf(&b, "_%s.ts", utc);
    return end(&b, out);
}

int names_file(char out[NAMES_SIZE], const struct names *n, unsigned index, const char *ext)
{
    struct buf b;
    int err = begin(&b, out, n);
    if (err)
        return err;
    put_stem(&b, n);
    put_index(&b, index);
    buf_printf(&b, ".%s", ext);
    return end(&b, out);
}
