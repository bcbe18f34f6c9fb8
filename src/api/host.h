/* The Host header as signatures see it (api.md 3.2). Pure. Inside api/ only. */
#ifndef API_HOST_H
#define API_HOST_H

#include "base/bytes.h"

/* "127.0.0.1" of "127.0.0.1:9000"; the whole when it ends in no port. */
struct bytes host_without_port(struct bytes host);

#endif
