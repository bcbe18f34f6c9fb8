/* An answer of the cloud API (api.md 4), taken apart. Pure. */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include <jansson.h>

#include "base/bytes.h"

struct answer {
    json_t *response; /* the object "Response"; owned */
    /* "" when it succeeded; borrowed from `response`. */
    const char *code, *message;
};

/* ERR_MALFORMED: no answer of this API. On success `out` wants answer_fini. */
int answer_parse(struct answer *out, struct bytes body);
void answer_fini(struct answer *answer);

/* Text and number members; "" and 0 when absent or of another type. Borrowed. */
const char *json_text(const json_t *object, const char *name);
uint64_t json_number(const json_t *object, const char *name);

#endif
