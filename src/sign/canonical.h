/* The text that a signed request is reduced to: the same six lines for TC3 (api.md 3.1) and AWS
 * SigV4; what goes into them differs and is the caller's. Pure. */
#ifndef SIGN_CANONICAL_H
#define SIGN_CANONICAL_H

#include "base/buf.h"

struct canonical_header {
    struct bytes name;  /* written in lower case */
    struct bytes value; /* written without blanks at its ends */
};

struct canonical_request {
    struct bytes method; /* written in upper case */
    struct bytes uri, query;
    const struct canonical_header *headers; /* in the order in which they were signed */
    size_t header_count;
    bool lower_values; /* write header values in lower case */
    const char *payload_hash;
};

void canonical_write(const struct canonical_request *request, struct buf *out);

/* "a;b;c": the names alone, as the fifth line has them. */
void canonical_names(const struct canonical_request *request, struct buf *out);

#endif
