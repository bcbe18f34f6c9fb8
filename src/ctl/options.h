/* Options of a subcommand: one table says name, kind, range and help of each; it parses the command
 * line into a struct and prints the help. Pure: nothing is printed here.
 *
 *     static const struct option_row rows[] = {
 *         { "room", OPTION_TEXT, offsetof(struct wish, room), "ID", .required = true,
 *           .help = "The room to record." },
 *     };
 *
 * Taken are "--name VALUE", "--name=VALUE", "--flag", "-h" for --help, and "--", after which
 * nothing is an option. When an option comes twice the last one counts. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "base/buf.h"

/* What stands at a row's offset. */
enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *, NULL when absent; points into argv */
    OPTION_NUMBER, /* struct option_number */
    OPTION_WORD,   /* struct option_number: the index of one of .words */
};

struct option_number {
    bool given;
    uint64_t value;
};

struct option_row {
    const char *name; /* without the dashes */
    enum option_kind kind;
    size_t offset;
    const char *value; /* how the help calls it: "ID"; NULL for flags and words */
    bool required;
    uint64_t min, max;        /* OPTION_NUMBER, both inclusive */
    const char *const *words; /* OPTION_WORD: ends with NULL */
    const char *help;         /* lines, joined by '\n' */
};

struct option_group {
    const char *title; /* "Storage"; NULL for the first */
    const struct option_row *rows;
    size_t count;
};

#define OPTION_GROUP(title_, rows_)                                                                \
    {                                                                                              \
        title_, rows_, sizeof(rows_) / sizeof *(rows_)                                             \
    }

struct option_table {
    const char *command;               /* "reeltime ctl create" */
    const char *usual;                 /* options shown in the usage line; NULL: the required */
    const char *about;                 /* what it does: whole lines */
    const char *operand;               /* "TASK"; NULL: the command takes none */
    size_t operand_offset;             /* const char * */
    const struct option_group *groups; /* ends with a group of no rows */
    const char *after;                 /* examples and exit codes: whole lines */
};

enum options_result { OPTIONS_GOOD, OPTIONS_HELP, OPTIONS_WRONG };

/* Fills `out`, a zeroed struct, from argv[1] on. OPTIONS_WRONG: `complaint` holds one line about
 * the first thing that is wrong; it never quotes a value. OPTIONS_HELP: --help was asked for, which
 * comes before any complaint. */
enum options_result options_parse(const struct option_table *table, void *out, int argc,
                                  char **argv, struct buf *complaint);

void options_help(const struct option_table *table, struct buf *out);

#endif
