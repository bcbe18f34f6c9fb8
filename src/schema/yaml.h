/* YAML 1.1 into a value tree, with the line of each value. Only what a configuration needs: one
 * document of mappings, sequences and scalars. Anchors, aliases, tags and duplicate keys are
 * refused. A plain scalar becomes VALUE_TEXT (null, ~ and nothing become VALUE_NULL), a quoted one
 * VALUE_STRING. */
#ifndef SCHEMA_YAML_H
#define SCHEMA_YAML_H

#include "schema/value.h"

#define YAML_MAX_SIZE (1u << 20)

/* The root is an object; an empty document is an empty one. ERR_MALFORMED and ERR_LIMIT with
 * `error` filled, ERR_NOMEM. */
int value_from_yaml(struct value **out, struct bytes text, struct value_error *error);

#endif
