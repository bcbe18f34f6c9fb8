#include "ctl/command.h"

#include <stdio.h>

#include "base/err.h"

int command_complain(const struct option_table *table, const struct buf *complaint)
{
    const char *text = buf_str(complaint);
    size_t len = strlen(text);
    bool whole = len && text[len - 1] == '\n';
    fprintf(stderr, "%s: %s%s(see %s --help)\n", table->command, text, whole ? "" : "\n",
            table->command);
    return CTL_USAGE;
}

int command_fail(const struct option_table *table, int status, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "%s: ", table->command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

void command_print(const struct buf *text)
{
    fputs(buf_str(text), stdout);
    fflush(stdout);
}

static int show_help(const struct option_table *table)
{
    struct buf text;
    buf_init(&text, 1u << 16);
    options_help(table, &text);
    command_print(&text);
    buf_fini(&text);
    return CTL_GOOD;
}

bool command_begin(const struct option_table *table, void *options, int argc, char **argv,
                   struct account *account, int *status)
{
    struct buf complaint;
    buf_init(&complaint, CTL_COMPLAINT_MAX);
    enum options_result result = options_parse(table, options, argc, argv, &complaint);
    int err = OK;
    if (result == OPTIONS_GOOD)
        err = account_open(account, options, &complaint);
    if (result == OPTIONS_HELP)
        *status = show_help(table);
    else if (result == OPTIONS_WRONG)
        *status = command_complain(table, &complaint);
    else if (err)
        *status = complaint.len ? command_complain(table, &complaint)
                                : command_fail(table, CTL_USAGE, "%s", err_text(err));
    buf_fini(&complaint);
    return result == OPTIONS_GOOD && !err;
}
