/* Flattened parameters (api.md 2.3) into a value tree: dotted keys with indexes from 0, in any
 * order.
 *
 *     A.B.0=x  A.B.1=y  A.C=z    ->    { "A": { "B": [ "x", "y" ], "C": "z" } }
 *
 * What stands under indexes alone is a list. A value of a form is VALUE_TEXT, typed by the row that
 * reads it; any other tree may stand there too. */
#ifndef SCHEMA_DOTTED_H
#define SCHEMA_DOTTED_H

#include "schema/value.h"

struct dotted_pair {
    const char *key;     /* borrowed for the call */
    struct value *value; /* taken over in every case */
};

/* Sorts `pairs`. The root is an object. ERR_MALFORMED: an empty name, a key twice, one that is both
 * a value and an object, a gap in a list (`error` names the key). ERR_LIMIT: too deep, too many.
 * ERR_NOMEM. */
int value_from_dotted(struct value **out, struct dotted_pair *pairs, size_t count,
                      struct value_error *error);

#endif
