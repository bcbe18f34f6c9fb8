#include "publish/args.h"

#include <getopt.h>

#include "base/err.h"
#include "base/str.h"
#include "publish/url.h"

const char publish_usage[] =
    "usage: reeltime publish --url URL (--token USERSIG | --key KEY) [OPTIONS]\n"
    "\n"
    "Publishes a test pattern, or a file, by WHIP until the duration is over or SIGINT.\n"
    "\n"
    "  --url URL          where: http://HOST:PORT/v2/pub/<SdkAppId>/<RoomId>?SessionID=<UserId>\n"
    "  --token USERSIG    bearer token\n"
    "  --key KEY          the application's UserSig key: tokens are made here\n"
    "  --user-prefix P    users P1, P2, ... in place of the URL's SessionID (needs --key)\n"
    "  --count N          so many users (needs --user-prefix); 1\n"
    "  --stagger MS       between the starts of two users; 20\n"
    "  --duration S       seconds each user publishes; without it until SIGINT\n"
    "\n"
    "  --test-pattern     a frame counter, a moving bar, a flash and a beep each second (default)\n"
    "  --size WxH         of the pattern; 640x360\n"
    "  --fps N            pictures a second; 30\n"
    "  --bitrate B        bits a second of video, k and M may follow; 800k\n"
    "  --file FILE        instead: a file with H.264 without B-frames, again and again\n"
    "  --audio-only, --video-only\n"
    "\n"
    "  --insecure         do not check the server's certificate\n"
    "  --json             a JSON object a second, and one at the end\n"
    "  --help             this text\n"
    "\n"
    "Exit code 0: all users were connected and sent everything. 1: some were not. 2: wrong "
    "usage.\n";

enum {
    URL = 256,
    TOKEN,
    KEY,
    USER_PREFIX,
    COUNT,
    STAGGER,
    DURATION,
    TEST_PATTERN,
    SIZE,
    FPS,
    BITRATE,
    FILE_NAME,
    AUDIO_ONLY,
    VIDEO_ONLY,
    INSECURE,
    JSON,
    HELP
};

static const struct option options[] = {
    { "url", required_argument, NULL, URL },
    { "token", required_argument, NULL, TOKEN },
    { "key", required_argument, NULL, KEY },
    { "user-prefix", required_argument, NULL, USER_PREFIX },
    { "count", required_argument, NULL, COUNT },
    { "stagger", required_argument, NULL, STAGGER },
    { "duration", required_argument, NULL, DURATION },
    { "test-pattern", no_argument, NULL, TEST_PATTERN },
    { "size", required_argument, NULL, SIZE },
    { "fps", required_argument, NULL, FPS },
    { "bitrate", required_argument, NULL, BITRATE },
    { "file", required_argument, NULL, FILE_NAME },
    { "audio-only", no_argument, NULL, AUDIO_ONLY },
    { "video-only", no_argument, NULL, VIDEO_ONLY },
    { "insecure", no_argument, NULL, INSECURE },
    { "json", no_argument, NULL, JSON },
    { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
};

/* The state of one run: what was seen besides the values. */
struct parse {
    struct publish_args *args;
    struct buf *complaint;
    bool pattern, pattern_detail, audio_only, video_only;
};

static int number(struct parse *p, const char *name, struct bytes text, uint64_t min, uint64_t max,
                  uint64_t *out)
{
    uint64_t v;
    if (!str_to_u64(text, max, &v) || v < min) {
        buf_printf(p->complaint, "%s is a number from %llu to %llu", name, (unsigned long long)min,
                   (unsigned long long)max);
        return ERR_MALFORMED;
    }
    *out = v;
    return OK;
}

static int small_number(struct parse *p, const char *name, const char *text, unsigned min,
                        unsigned max, unsigned *out)
{
    uint64_t v;
    int err = number(p, name, bytes_str(text), min, max, &v);
    if (!err)
        *out = (unsigned)v;
    return err;
}

/* "640x360"; 4:2:0 wants even numbers, and the counter's cells some room. */
static int size(struct parse *p, const char *text)
{
    struct bytes height, width = str_split(bytes_str(text), 'x', &height);
    uint64_t w, h;
    if (!str_to_u64(width, 3840, &w) || !str_to_u64(height, 2160, &h) || w < 128 || h < 128 ||
        w % 2 || h % 2) {
        buf_put_str(p->complaint, "--size is WIDTHxHEIGHT, even numbers from 128x128 to 3840x2160");
        return ERR_MALFORMED;
    }
    p->args->width = (unsigned)w;
    p->args->height = (unsigned)h;
    return OK;
}

static int bitrate(struct parse *p, const char *text)
{
    struct bytes t = bytes_str(text);
    uint64_t unit = 1, v;
    char last = t.len ? (char)t.ptr[t.len - 1] : 0;
    if (last == 'k' || last == 'M') {
        unit = last == 'k' ? 1000 : 1000000;
        t.len--;
    }
    if (!str_to_u64(t, 50000000 / unit, &v) || v * unit < 50000) {
        buf_put_str(p->complaint, "--bitrate is from 50k to 50M bits a second");
        return ERR_MALFORMED;
    }
    p->args->bitrate = (unsigned)(v * unit);
    return OK;
}

static int milliseconds(struct parse *p, const char *text)
{
    uint64_t v;
    int err = number(p, "--stagger", bytes_str(text), 0, 60000, &v);
    if (!err)
        p->args->stagger = (usec_t)v * MSEC;
    return err;
}

static int seconds(struct parse *p, const char *text)
{
    uint64_t v;
    int err = number(p, "--duration", bytes_str(text), 1, PUBLISH_MAX_DURATION / SEC, &v);
    if (!err)
        p->args->duration = (usec_t)v * SEC;
    return err;
}

static int take(struct parse *p, int option, const char *value)
{
    struct publish_args *a = p->args;
    switch (option) {
    case URL: a->url = value; return OK;
    case TOKEN: a->token = value; return OK;
    case KEY: a->key = value; return OK;
    case USER_PREFIX: a->user_prefix = value; return OK;
    case COUNT: return small_number(p, "--count", value, 1, PUBLISH_MAX_COUNT, &a->count);
    case STAGGER: return milliseconds(p, value);
    case DURATION: return seconds(p, value);
    case TEST_PATTERN: p->pattern = true; return OK;
    case SIZE: p->pattern_detail = true; return size(p, value);
    case FPS: p->pattern_detail = true; return small_number(p, "--fps", value, 5, 60, &a->fps);
    case BITRATE: p->pattern_detail = true; return bitrate(p, value);
    case FILE_NAME: a->file = value; return OK;
    case AUDIO_ONLY: p->audio_only = true; return OK;
    case VIDEO_ONLY: p->video_only = true; return OK;
    case INSECURE: a->insecure = true; return OK;
    case JSON: a->json = true; return OK;
    case HELP: a->help = true; return OK;
    default:
        buf_put_str(p->complaint, "unknown option, or one without its value");
        return ERR_MALFORMED;
    }
}

/* What does not go together, the first of it. NULL: all is well. */
static const char *conflict(const struct parse *p)
{
    const struct publish_args *a = p->args;
    if (!a->url)
        return "--url is missing";
    if (!url_valid(bytes_str(a->url)))
        return "--url is no http or https URL";
    if (!a->token && !a->key)
        return "--token or --key is missing";
    if (a->token && a->key)
        return "--token and --key exclude each other";
    if (a->user_prefix && !a->key)
        return "--user-prefix needs --key";
    if (a->count > 1 && !a->user_prefix)
        return "--count needs --user-prefix, since each user needs a name of its own";
    uint32_t app;
    if (a->key && !url_app(bytes_str(a->url), &app))
        return "--key needs a URL of the form .../v2/pub/<SdkAppId>/<RoomId>";
    if (a->file && (p->pattern || p->pattern_detail))
        return "--file and the options of the test pattern exclude each other";
    if (p->audio_only && p->video_only)
        return "--audio-only and --video-only exclude each other";
    return NULL;
}

int publish_args_parse(struct publish_args *out, int argc, char **argv, struct buf *complaint)
{
    struct publish_args args = { .count = 1,
                                 .duration = USEC_NEVER,
                                 .stagger = 20 * MSEC,
                                 .width = 640,
                                 .height = 360,
                                 .fps = 30,
                                 .bitrate = 800000 };
    struct parse p = { .args = &args, .complaint = complaint };
    int c, err = OK;
    optind = 0; /* glibc: begin anew, whoever used getopt before */
    opterr = 0;
    while (!err && (c = getopt_long(argc, argv, "+", options, NULL)) != -1)
        err = take(&p, c, optarg);
    if (!err && optind < argc) {
        buf_printf(complaint, "unexpected '%s'", argv[optind]);
        err = ERR_MALFORMED;
    }
    const char *wrong = err || args.help ? NULL : conflict(&p);
    if (wrong) {
        buf_put_str(complaint, wrong);
        err = ERR_MALFORMED;
    }
    if (err)
        return err;
    args.audio = !p.video_only;
    args.video = !p.audio_only;
    *out = args;
    return OK;
}
