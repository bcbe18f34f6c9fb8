/* What `reeltime publish` was asked to do, checked. Plain values; the texts live as long as argv.
 */
#ifndef PUBLISH_ARGS_H
#define PUBLISH_ARGS_H

#include "base/buf.h"
#include "base/clock.h"

#define PUBLISH_MAX_COUNT    5000
#define PUBLISH_MAX_DURATION ((usec_t)7 * 86400 * SEC)

struct publish_args {
    const char *url;
    const char *token;       /* NULL: minted with `key` */
    const char *user_prefix; /* NULL: the user of the URL */
    const char *key;         /* the application's UserSig key; NULL */
    const char *file;        /* NULL: the test pattern */
    unsigned count;
    usec_t duration; /* USEC_NEVER: until asked to stop */
    usec_t stagger;  /* between the starts of two users */
    bool audio, video;
    unsigned width, height, fps, bitrate; /* of the test pattern; bitrate in bits a second */
    bool insecure, json, help;
};

/* ERR_MALFORMED: `complaint` says in one line what is wrong. */
int publish_args_parse(struct publish_args *out, int argc, char **argv, struct buf *complaint);

/* The text of --help. */
extern const char publish_usage[];

#endif
