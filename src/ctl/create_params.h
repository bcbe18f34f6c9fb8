/* The parameters of CreateCloudRecording (api.md 6) from the options of `reeltime ctl create`.
 * Reads files and the environment that the options name; makes no call. */
#ifndef CTL_CREATE_PARAMS_H
#define CTL_CREATE_PARAMS_H

#include <jansson.h>

#include "base/clock.h"
#include "ctl/account.h"

struct create_options {
    struct account_options account;
    const char *room, *robot, *user_sig, *private_map_key, *params, *once;
    struct option_number room_type, expire_hours;
    /* what */
    bool audio_only, video_only, merge, mixed;
    struct option_number idle, format, media;
    const char *users;
    /* where to */
    const char *region, *bucket, *access_key, *secret_key, *prefix, *endpoint_url;
    struct option_number vendor;
};

extern const struct option_table create_table;

/* A new reference. NULL: `complaint` says what is missing or wrong. */
json_t *create_params_from(const struct create_options *options, const struct account *account,
                           usec_t wall_now, struct buf *complaint);

#endif
