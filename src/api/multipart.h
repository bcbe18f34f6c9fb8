/* A multipart/form-data body (RFC 7578) into its parts. Pure. Inside api/ only. */
#ifndef API_MULTIPART_H
#define API_MULTIPART_H

#include "base/bytes.h"

#define MULTIPART_MAX_PARTS 256
#define MULTIPART_MAX_NAME  256

struct multipart_part {
    char name[MULTIPART_MAX_NAME];
    bool json; /* its own type is application/json */
    struct bytes content;
};

/* The boundary that a Content-Type names; empty: none, or one that breaks RFC 2046 5.1.1. */
struct bytes multipart_boundary(const char *content_type);

/* Told of each part in its order; false ends the reading. */
typedef bool multipart_each(void *ctx, const struct multipart_part *part);

/* OK also when `each` ended it. ERR_MALFORMED: the delimiters or a part's head are broken, or the
 * end is missing. ERR_LIMIT: more parts. */
int multipart_read(struct bytes body, struct bytes boundary, multipart_each *each, void *ctx);

#endif
