/* JSON (RFC 8259) into a value tree. Strict: one document, UTF-8, no duplicate members, no NUL in a
 * string. Members that are null stay in the tree as VALUE_NULL; the engine takes them as absent. */
#ifndef SCHEMA_JSON_H
#define SCHEMA_JSON_H

#include "schema/value.h"

/* The root is an object. ERR_MALFORMED (with `error` filled), ERR_LIMIT (too deep or too many
 * values; `error` filled), ERR_NOMEM. */
int value_from_json(struct value **out, struct bytes text, struct value_error *error);

/* The same with any root. */
int value_from_any_json(struct value **out, struct bytes text, struct value_error *error);

#endif
