/* Remembers the (SecretId, Nonce, Timestamp) of requests with the older signatures for as long as
 * their timestamp is good, so that none can be sent again (api.md 2.2). Bounded: beyond `most` the
 * oldest is forgotten. Pure; times are monotonic. Inside api/ only. */
#ifndef API_REPLAY_H
#define API_REPLAY_H

#include <stdbool.h>

#include "base/clock.h"

struct replay;

struct replay *replay_new(unsigned most); /* NULL: out of memory */
void replay_free(struct replay *replay);  /* NULL is fine */

/* True: it was not seen before, and is remembered. Call for authenticated requests only. Without
 * memory nothing is remembered. */
bool replay_note(struct replay *replay, const char *secret_id, uint64_t nonce, uint64_t timestamp,
                 usec_t now);

#endif
