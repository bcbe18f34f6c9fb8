/* What all commands of this folder share: how they begin, complain and end. Inside ctl/ only.
 * Results go to stdout, everything else to stderr. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/account.h"

enum ctl_exit {
    CTL_GOOD = 0,
    CTL_REFUSED = 1,     /* the service said no, a ticket is not good, a signature does not fit */
    CTL_USAGE = 2,       /* wrong or missing options, unusable files */
    CTL_UNREACHABLE = 3, /* no answer, or not of this service */
    CTL_TIME_OVER = 4,   /* `wait --timeout` */
};

#define CTL_COMPLAINT_MAX (16u << 10)

/* The end of a table's `after`. */
#define CTL_EXIT_HELP                                                                              \
    "Exit status: 0 done, 1 refused by the service (code and message are shown),\n"                \
    "2 wrong options, 3 no connection to the service.\n"

/* Parses and opens the account; `options` begins with a struct account_options. True: go on, and
 * account_close() in the end. False: `*status` is the exit status, and what is to be said was said.
 */
bool command_begin(const struct option_table *table, void *options, int argc, char **argv,
                   struct account *account, int *status);

/* "reeltime ctl create: TEXT", and where the help is. CTL_USAGE. */
int command_complain(const struct option_table *table, const struct buf *complaint);

/* The same without the hint. `status` comes back. */
int command_fail(const struct option_table *table, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes to stdout, at once. */
void command_print(const struct buf *text);

#endif
