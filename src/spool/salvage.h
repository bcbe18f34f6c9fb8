/* Torn segments, inside spool/ only. */
#ifndef SPOOL_SALVAGE_H
#define SPOOL_SALVAGE_H

#include "segment/ts_scan.h"

/* Reads a whole segment. ERR_NOT_FOUND: there is none, or nothing in it can be played; ERR_IO,
 * ERR_NOMEM. */
int salvage_read(struct ts_summary *out, int dir, const char *name);

/* Makes NAME.part NAME, cut to its last whole frame. `cut`: bytes that went. ERR_NOT_FOUND: nothing
 * in it can be played, it stays as it is; ERR_IO, ERR_NOMEM. */
int salvage_part(uint64_t *cut, int dir, const char *name);

#endif
