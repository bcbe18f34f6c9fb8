/* Stands between the code under test and the kernel: counts the calls that change files, and at a
 * given one ends the process, or fails. */
#ifndef TEST_SYSTEM_CALLS_H
#define TEST_SYSTEM_CALLS_H

#include <stdbool.h>

#define SYSTEM_CALL_EXIT 77

extern struct system_calls {
    unsigned count;     /* so far */
    unsigned die_at;    /* _exit(SYSTEM_CALL_EXIT) instead of this call; a write does half first */
    unsigned fail_at;   /* this call fails with EIO */
    bool no_insert;     /* the file system cannot insert ranges */
    bool no_copy_range; /* nor copy by itself */
} system_calls;

#endif
