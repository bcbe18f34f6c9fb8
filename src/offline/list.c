/* `reeltime spool list` */
#include "base/err.h"
#include "ctl/command.h"
#include "ctl/text.h"
#include "offline/commands.h"
#include "offline/view.h"

static const struct option_row rows[] = { SPOOL_OPTION_ROWS };
static const struct option_group groups[] = { OPTION_GROUP(NULL, rows), { NULL, NULL, 0 } };

static const struct option_table table = {
    .command = "reeltime spool list",
    .about = "Shows the tasks of a spool: what was recorded and is not yet in its bucket.\n"
             "\n"
             "  whole    every file is whole and every playlist has its end\n"
             "  open     a playlist waits for its end, or does not name all its segments\n"
             "  torn     a file was being written\n"
             "  unknown  task.json cannot be read: nobody knows where it belongs\n",
    .operand = "DIR",
    .operand_offset = offsetof(struct spool_options, dir),
    .groups = groups,
    .after = OFFLINE_EXIT_HELP,
};

struct sum {
    size_t tasks, files;
    uint64_t bytes;
};

static void add(struct sum *sum, const struct spool_view *v)
{
    sum->tasks++;
    sum->files += v->files + v->torn;
    sum->bytes += v->bytes;
}

static void put_sum(const struct sum *sum, struct buf *out)
{
    if (!sum->tasks) {
        buf_put_str(out, "nothing waits here\n");
        return;
    }
    buf_printf(out, "%zu task%s, ", sum->tasks, sum->tasks == 1 ? "" : "s");
    text_put_files(sum->files, sum->bytes, out);
    buf_put_str(out, "\n");
}

static int show(struct opened *o, bool json)
{
    struct buf out;
    struct sum sum = { 0 };
    json_t *tasks = json_array();
    int status = OFFLINE_GOOD;
    buf_init(&out, 256u << 20);
    if (!json && !list_empty(&o->found))
        spool_view_head(&out);
    list_each(f, &o->found, struct spool_found, in_found)
    {
        struct spool_view v;
        int err = spool_view_of(&v, f);
        if (err) {
            status = command_fail(&table, OFFLINE_LEFT, "%s cannot be read: %s",
                                  spool_folder_task(f->folder), err_text(err));
            continue;
        }
        add(&sum, &v);
        if (json)
            json_array_append_new(tasks, spool_view_json(&v));
        else
            spool_view_text(&v, &out);
    }
    json_t *all = json_pack("{s:O, s:I, s:I}", "Tasks", tasks, "Files", (json_int_t)sum.files,
                            "Bytes", (json_int_t)sum.bytes);
    if (json)
        text_put_json(all, &out);
    else
        put_sum(&sum, &out);
    command_print(&out);
    json_decref(all);
    json_decref(tasks);
    buf_fini(&out);
    return status;
}

int list_main(int argc, char **argv)
{
    struct spool_options options = { 0 };
    struct opened opened;
    int status;
    if (!offline_begin(&opened, &table, &options, argc, argv, &status))
        return status;
    status = show(&opened, options.json);
    offline_end(&opened);
    return status;
}
