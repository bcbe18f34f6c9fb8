/* The parameters of a query or a form (application/x-www-form-urlencoded), decoded. Pure. Inside
 * api/ only. */
#ifndef API_PAIRS_H
#define API_PAIRS_H

#include "base/bytes.h"

#define PAIRS_MAX 20000 /* as many as a value tree may hold */

struct pair {
    const char *name, *value; /* in the text of the pairs */
};

struct pairs {
    struct pair *items; /* in the order in which they came */
    size_t count;
    char *text;
    size_t text_len;
};

/* '+' and %20 are both a space. ERR_MALFORMED: one without '=' or without a name, a broken escape,
 * a NUL, no UTF-8. ERR_LIMIT, ERR_NOMEM. Nothing is quoted: it may be a secret. */
int pairs_read(struct pairs *out, struct bytes text);

/* Wipes and frees. Zeroed pairs are fine. */
void pairs_fini(struct pairs *pairs);

/* NULL when absent; the first when it comes twice. */
const char *pairs_find(const struct pairs *pairs, const char *name);

#endif
