#include "segment/names_read.h"

#include <stdio.h>
#include <time.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

#define UTC_DIGITS 17
#define USER_BEGIN "__UserId_s_"
#define USER_END   "__UserId_e_"

static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* "YYYYMMDDhhmmssmmm". False: no such time. */
static bool read_utc(const char *text, usec_t *out)
{
    char again[UTC_DIGITS + 1];
    if (!str_only(bytes_of(text, UTC_DIGITS), "0123456789"))
        return false;
    struct tm tm = {
        .tm_year = digits(text, 4) - 1900,
        .tm_mon = digits(text + 4, 2) - 1,
        .tm_mday = digits(text + 6, 2),
        .tm_hour = digits(text + 8, 2),
        .tm_min = digits(text + 10, 2),
        .tm_sec = digits(text + 12, 2),
    };
    usec_t time = (usec_t)timegm(&tm) * SEC + digits(text + 14, 3) * MSEC;
    if (time < 0)
        return false;
    clock_format_utc17(time, again);
    *out = time;
    return memcmp(again, text, UTC_DIGITS) == 0;
}

/* "main_video" */
static bool read_kind(struct segment_name *n, const char *text)
{
    static const char *const types[] = {
        [NAMES_AUDIO] = "_audio", [NAMES_VIDEO] = "_video", [NAMES_AUDIO_VIDEO] = "_audiovideo"
    };
    for (int media = NAMES_MAIN; media <= NAMES_AUX; media++) {
        const char *word = names_media_text(media);
        size_t len = strlen(word);
        if (strncmp(text, word, len) != 0)
            continue;
        for (int type = NAMES_AUDIO; type <= NAMES_AUDIO_VIDEO; type++)
            if (strcmp(text + len, types[type]) == 0) {
                n->media = media;
                n->type = type;
                return true;
            }
    }
    return false;
}

static bool read_user(struct segment_name *n, const char *begin)
{
    const char *text = begin + strlen(USER_BEGIN), *end = strstr(text, USER_END);
    if (!end || end == text)
        return false;
    struct buf user;
    buf_init(&user, NAMES_SIZE);
    int err = base64_decode(&user, bytes_of(text, (size_t)(end - text)), BASE64_ESCAPED);
    bool good = !err && user.len && str_is_utf8(buf_bytes(&user)) &&
                str_copy(n->user, sizeof n->user, buf_bytes(&user)) &&
                read_kind(n, end + strlen(USER_END));
    buf_fini(&user);
    return good;
}

/* The last one is ours: what an operator's id may hold stands before it, and base64 has no '_'. */
static const char *find_user(const char *stem)
{
    const char *at = NULL;
    for (const char *next = stem; (next = strstr(next, USER_BEGIN)); next++)
        at = next;
    return at;
}

int names_read_segment(struct segment_name *out, const char *name)
{
    struct segment_name n = { .type = NAMES_AUDIO_VIDEO };
    struct bytes text = bytes_str(name);
    const size_t tail = 1 + UTC_DIGITS + strlen(".ts");
    if (text.len <= tail || text.len + strlen(".m3u8") - tail >= sizeof n.playlist)
        return ERR_MALFORMED;
    size_t stem = text.len - tail;
    if (name[stem] != '_' || strcmp(name + text.len - 3, ".ts") != 0 ||
        !read_utc(name + stem + 1, &n.start))
        return ERR_MALFORMED;
    memcpy(n.playlist, name, stem);
    const char *user = find_user(n.playlist);
    if (user && !read_user(&n, user))
        return ERR_MALFORMED;
    memcpy(n.playlist + stem, ".m3u8", sizeof ".m3u8");
    *out = n;
    return OK;
}
