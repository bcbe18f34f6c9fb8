/* How the commands write times, sizes and what came from elsewhere. Pure. */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"

/* With '?' in place of what would move a terminal's cursor or change its colours (control
 * characters). UTF-8 passes. */
void text_put_printable(const char *text, struct buf *out);

void text_put_time(uint64_t unix_seconds, struct buf *out); /* "2025-01-01 05:00:17 UTC" */
void text_put_duration(uint64_t seconds, struct buf *out);  /* "180 days", "3 h 05 min", "42 s" */
void text_put_size(uint64_t bytes, struct buf *out);        /* "999 B", "1.5 MB" (powers of 1000) */
void text_put_files(uint64_t files, uint64_t bytes, struct buf *out); /* "1 file, 1.5 MB" */

/* Compact, members in their order, and a newline. */
void text_put_json(const json_t *value, struct buf *out);

#endif
