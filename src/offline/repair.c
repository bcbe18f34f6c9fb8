/* `reeltime spool repair` */
#include <stdio.h>

#include "base/err.h"
#include "ctl/command.h"
#include "ctl/text.h"
#include "offline/commands.h"
#include "serve/build_info.h"
#include "spool/repair.h"

static const struct option_row rows[] = { SPOOL_OPTION_ROWS };
static const struct option_group groups[] = { OPTION_GROUP(NULL, rows), { NULL, NULL, 0 } };

static const struct option_table table = {
    .command = "reeltime spool repair",
    .about =
        "Makes a spool whole after a crash, and delivers nothing: torn segments are cut to their\n"
        "last whole frame, segments get into their playlists, playlists get their end. May be\n"
        "repeated.\n",
    .operand = "DIR",
    .operand_offset = offsetof(struct spool_options, dir),
    .groups = groups,
    .after = OFFLINE_EXIT_HELP,
};

static json_t *to_json(const char *task, const struct spool_repaired *r, int err)
{
    return json_pack("{s:s, s:b, s:i, s:i, s:i, s:i, s:I}", "TaskId", task, "Repaired", err == OK,
                     "Salvaged", (int)r->salvaged, "Hopeless", (int)r->hopeless, "Listed",
                     (int)r->listed, "Ended", (int)r->ended, "CutBytes", (json_int_t)r->cut_bytes);
}

static void to_text(struct buf *out, const char *task, const struct spool_repaired *r, int err)
{
    buf_printf(out, "%s  ", task);
    if (err)
        buf_printf(out, "cannot be repaired in full (%s): ", err_text(err));
    if (!r->salvaged && !r->hopeless && !r->listed && !r->ended) {
        buf_put_str(out, err ? "nothing was done\n" : "is whole\n");
        return;
    }
    buf_printf(out, "torn segments made whole: %u (", r->salvaged);
    text_put_size(r->cut_bytes, out);
    buf_printf(out,
               " cut); without a playable frame: %u; added to playlists: %u; playlists ended: %u\n",
               r->hopeless, r->listed, r->ended);
}

static int repair_all(struct opened *o, bool json)
{
    const struct spool_build made_by = { build_id(), build_date() };
    struct buf out;
    json_t *tasks = json_array();
    int status = OFFLINE_GOOD;
    buf_init(&out, 256u << 20);
    list_each(f, &o->found, struct spool_found, in_found)
    {
        struct spool_repaired done;
        const char *task = spool_folder_task(f->folder);
        int err = spool_folder_repair(f->folder, &made_by, &done);
        if (err)
            status = OFFLINE_LEFT;
        if (json)
            json_array_append_new(tasks, to_json(task, &done, err));
        else
            to_text(&out, task, &done, err);
    }
    json_t *all = json_pack("{s:o}", "Tasks", tasks);
    if (json)
        text_put_json(all, &out);
    else if (list_empty(&o->found))
        buf_put_str(&out, "nothing waits here\n");
    command_print(&out);
    json_decref(all);
    buf_fini(&out);
    return status;
}

int repair_main(int argc, char **argv)
{
    struct spool_options options = { 0 };
    struct opened opened;
    int status;
    if (!offline_begin(&opened, &table, &options, argc, argv, &status))
        return status;
    status = repair_all(&opened, options.json);
    offline_end(&opened);
    return status;
}
