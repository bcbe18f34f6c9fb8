/* What the parts of the engine share about a row's rules. Inside schema/ only. */
#ifndef SCHEMA_RULES_H
#define SCHEMA_RULES_H

#include "schema/schema.h"

/* Length, characters and format of one text. */
bool rule_text_ok(const struct schema_row *row, const char *text);

/* Nothing, null, an empty text, or (where the row says so) 0. */
bool scalar_absent(const struct schema_row *row, const struct value *v);

/* One number, boolean, word or text into its field. ERR_MALFORMED: of another type. ERR_RANGE:
 * against the row's rules. ERR_NOMEM. The field is set only on success. */
int scalar_read(const struct schema_row *row, void *field, const struct value *v);
int scalar_text(const struct schema_row *row, char **out, const struct value *v);

/* Sets the field, zero until now, to the row's fallback, which is given. ERR_NOMEM. */
int scalar_default(const struct schema_row *row, void *field);

#endif
