/* The API for those who call it: what its documents say beside the parameter tables, and the two
 * documents that are made of both. Pure. */
#ifndef API_DOC_H
#define API_DOC_H

#include "schema/schema.h"

struct doc_action {
    const char *name, *title, *about;
    const struct schema *request, *response; /* nothing is ever read by the second */
    const char *example, *answer;            /* JSON: parameters, and the members of Response */
};

#define DOC_ACTIONS 4
extern const struct doc_action doc_actions[DOC_ACTIONS];

/* Which actions answer with a code: bits by their place in doc_actions. */
enum { DOC_CREATE = 1, DOC_DESCRIBE = 2, DOC_MODIFY = 4, DOC_DELETE = 8, DOC_EVERY = 15 };

struct doc_error {
    const char *code, *when;
    unsigned actions;
};

/* Sorted by what a request meets first. A code comes twice when it means different things to
 * different actions. */
extern const struct doc_error doc_errors[];
extern const size_t doc_error_count;

/* An object that has a name in the documents: a table below that of an action. */
struct doc_object {
    const char *name; /* "MixLayout" for the items of MixLayoutList */
    size_t name_len;
    const struct schema *table;
    const struct schema_row *row; /* the first that holds it */
};

#define DOC_MAX_OBJECTS 32

/* All of them, each once, in the order in which a reader meets them. Returns their number. */
size_t doc_objects(struct doc_object out[DOC_MAX_OBJECTS]);

/* Appends docs/api.md. */
void doc_markdown(struct buf *out);

/* Appends docs/openapi.json, OpenAPI 3.1. ERR_NOMEM; the buffer's own error. */
int doc_openapi(struct buf *out);

#endif
