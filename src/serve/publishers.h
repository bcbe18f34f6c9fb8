/* Those who publish: what stands behind the WHIP door. Chooses a media loop for each session,
 * enters it into its room, and carries what the media loops tell to the rooms. Control loop only.
 */
#ifndef SERVE_PUBLISHERS_H
#define SERVE_PUBLISHERS_H

#include "config/config.h"
#include "session/media_loop.h"
#include "whip/whip.h"

struct publishers;

/* All borrowed; they outlive it. `loops` is filled by the caller before the first request. */
struct publishers_config {
    const struct config *config;
    struct rooms *rooms;
    const struct dtls_identity *identity;
    struct media_loop *const *loops;
    size_t loop_count;
};

struct publishers *publishers_new(const struct publishers_config *config); /* NULL: out of memory */
void publishers_free(struct publishers *p);                                /* NULL is fine */

extern const struct whip_ops publishers_whip_ops; /* ctx: the publishers */
void publishers_set_whip(struct publishers *p,
                         struct whip *whip); /* whose resources end with the sessions */

/* A media loop's event; ctx: the publishers. */
void publishers_event(void *ctx, const struct session_event *event);

/* The media loop of a session; NULL: it is over. ctx: the publishers. */
struct media_loop *publishers_media_of(void *ctx, uint64_t session);

size_t publishers_count(const struct publishers *p); /* sessions */

struct publishers_stats {
    uint64_t ended[SESSION_FAILED + 1]; /* by enum session_end */
};
const struct publishers_stats *publishers_stats(const struct publishers *p);

/* No new ones from now on (503); those that are there stay. */
void publishers_drain(struct publishers *p);

/* The media loops are about to stop: from now on none is given out or asked for anything. */
void publishers_let_go(struct publishers *p);

#endif
