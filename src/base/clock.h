/* One time type for the whole tree: microseconds, signed. Whether a value is monotonic or wall time
 * is said where it is stored; durations are differences of either. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t usec_t;

#define USEC_NEVER INT64_MAX
#define USEC_UNSET INT64_MIN
#define MSEC       ((usec_t)1000)
#define SEC        ((usec_t)1000000)

/* Monotonic time since an arbitrary start. For deadlines and packet arrivals. */
usec_t clock_mono(void);

/* Unix time as the system says it now; may jump. For signatures, tickets and the start of the
 * server clock. */
usec_t clock_wall(void);

/* The server clock: Unix time that runs with the monotonic clock. It is set from the wall clock
 * when the process first asks, and never jumps afterwards, so times in recordings are evenly
 * spaced. Any thread. */
usec_t clock_server(usec_t mono);

/* "YYYYMMDDhhmmssmmm" in UTC, 17 digits and a NUL (files.md 1). */
void clock_format_utc17(usec_t wall, char out[18]);

/* "YYYY-MM-DDThh:mm:ss.mmmZ" (RFC 3339), 24 characters and a NUL. */
void clock_format_rfc3339(usec_t wall, char out[25]);

#endif
