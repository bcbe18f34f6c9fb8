/* Text: the house replacements for number parsing and copying. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/bytes.h"

/* The whole of `text` as a decimal number, digits only, at most `max`. */
bool str_to_u64(struct bytes text, uint64_t max, uint64_t *out);

/* Copies with a NUL. False, and `out` empty, when it does not fit or holds a NUL itself. */
bool str_copy(char *out, size_t size, struct bytes text);

/* strdup for a view; the caller frees. NULL: out of memory. */
char *str_dup(struct bytes text);

/* ASCII only. */
bool str_equal_nocase(struct bytes a, const char *text);
bool str_starts(struct bytes text, const char *prefix);
struct bytes str_trim(struct bytes text); /* spaces and tabs at both ends */

/* The part before the first `sep`; `*rest` becomes what follows it (empty at the end). */
struct bytes str_split(struct bytes text, char sep, struct bytes *rest);

/* Every byte of `text` is one of `set`. */
bool str_only(struct bytes text, const char *set);

/* Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
bool str_is_utf8(struct bytes text);

#endif
