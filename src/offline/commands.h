/* What the commands of `reeltime spool` share. Inside offline/ only. Results go to stdout,
 * everything else to stderr. */
#ifndef OFFLINE_COMMANDS_H
#define OFFLINE_COMMANDS_H

#include "ctl/options.h"
#include "spool/spool.h"

enum offline_exit {
    OFFLINE_GOOD = 0,
    OFFLINE_LEFT = 1,  /* something could not be repaired or delivered, and stays */
    OFFLINE_USAGE = 2, /* wrong options; no spool there; the daemon has it */
};

/* Every command's options begin with these. */
struct spool_options {
    const char *dir;
    const char *task; /* NULL: all */
    bool json;
};

#define SPOOL_OPTION_ROWS                                                                          \
    { "task", OPTION_TEXT, offsetof(struct spool_options, task), "ID",                             \
      .help = "This task alone. Default: all." },                                                  \
    {                                                                                              \
        "json", OPTION_FLAG, offsetof(struct spool_options, json),                                 \
            .help = "One JSON object instead of text."                                             \
    }

#define OFFLINE_EXIT_HELP                                                                          \
    "Exit status: 0 done, 1 something stays that could not be repaired or delivered, 2 wrong\n"    \
    "options, no spool there, or a daemon that uses it.\n"

/* The spool, and what was found in it. */
struct opened {
    struct spool *spool;
    struct list found; /* struct spool_found, by .in_found */
};

/* Parses and opens. False: `*status` is the exit status, and what is to be said was said. */
bool offline_begin(struct opened *out, const struct option_table *table,
                   struct spool_options *options, int argc, char **argv, int *status);
void offline_end(struct opened *opened);

int list_main(int argc, char **argv);
int repair_main(int argc, char **argv);
int push_main(int argc, char **argv);

#endif
