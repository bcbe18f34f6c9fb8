#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "ctl/command.h"
#include "observe/log.h"
#include "offline/commands.h"

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Forgets what the options do not name. False: nothing is left of it. */
static bool choose(struct opened *o, const char *task)
{
    list_each(f, &o->found, struct spool_found, in_found)
    {
        if (task && strcmp(spool_folder_task(f->folder), task) != 0)
            spool_found_free(f);
    }
    return !task || !list_empty(&o->found);
}

static int open_all(struct opened *out, const struct option_table *table,
                    const struct spool_options *options)
{
    if (!is_folder(options->dir))
        return command_fail(table, OFFLINE_USAGE, "%s is no folder", options->dir);
    int err = spool_open(&out->spool, options->dir);
    if (err == ERR_EXISTS)
        return command_fail(table, OFFLINE_USAGE,
                            "%s is in use: the daemon that has it does all this by itself; stop it "
                            "first if you want to do it by hand",
                            options->dir);
    if (!err)
        err = spool_scan(out->spool, &out->found);
    if (err)
        return command_fail(table, OFFLINE_USAGE, "%s cannot be read: %s", options->dir,
                            err_text(err));
    if (!choose(out, options->task))
        return command_fail(table, OFFLINE_USAGE, "%s holds no such task", options->dir);
    return OFFLINE_GOOD;
}

bool offline_begin(struct opened *out, const struct option_table *table,
                   struct spool_options *options, int argc, char **argv, int *status)
{
    struct buf text;
    buf_init(&text, 1u << 16);
    enum options_result result = options_parse(table, options, argc, argv, &text);
    *status = OFFLINE_GOOD;
    if (result == OPTIONS_HELP) {
        options_help(table, &text);
        command_print(&text);
    } else if (result == OPTIONS_WRONG) {
        *status = command_complain(table, &text);
    }
    buf_fini(&text);
    if (result != OPTIONS_GOOD)
        return false;

    log_setup(LOG_WARN, false);
    *out = (struct opened){ 0 };
    list_init(&out->found);
    *status = open_all(out, table, options);
    if (*status)
        offline_end(out);
    return *status == OFFLINE_GOOD;
}

void offline_end(struct opened *o)
{
    list_each(f, &o->found, struct spool_found, in_found)
    {
        spool_found_free(f);
    }
    spool_close(o->spool);
}
