/* The few things a WHIP client does to URLs. Pure; any thread. */
#ifndef PUBLISH_URL_H
#define PUBLISH_URL_H

#include "base/buf.h"

/* "http://host..." or "https://host..." without spaces and control characters. */
bool url_valid(struct bytes url);

/* The number after /v2/pub/ in the path. */
bool url_app(struct bytes url, uint32_t *sdk_app_id);

/* The value of SessionID in the query, as it stands there (user ids need no escapes); empty. */
struct bytes url_user(struct bytes url);

/* Appends the URL with SessionID set to `user`. The buffer carries the error. */
void url_put_with_user(struct buf *out, struct bytes url, const char *user);

/* Appends what a Location header means that came from `base` (RFC 3986, 5.2, without dot segments).
 * The buffer carries the error. */
void url_put_location(struct buf *out, struct bytes base, struct bytes location);

#endif
