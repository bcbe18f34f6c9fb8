/* `reeltime ctl describe` and `reeltime ctl delete`. */
#include "ctl/commands.h"
#include "ctl/task_view.h"
#include "ctl/text.h"

static const struct option_group groups[] = { ACCOUNT_GROUP, { NULL, NULL, 0 } };

static const struct option_table describe_table = {
    .command = "reeltime ctl describe",
    .about = "Shows a task: what it does, what waits for upload, and its playlists.\n",
    .operand = "TASK",
    .operand_offset = offsetof(struct task_options, task),
    .groups = groups,
    .after = "Examples:\n"
             "  reeltime ctl describe $task\n"
             "  reeltime ctl describe $task --json | jq -r '.StorageFileList[].FileName'\n"
             "\n"
             "A task that is wholly delivered is not known any more: ResourceNotFound.\n"
             "\n" CTL_EXIT_HELP,
};

static const struct option_table delete_table = {
    .command = "reeltime ctl delete",
    .about = "Stops a task. It returns at once; what was recorded is delivered afterwards\n"
             "(reeltime ctl wait TASK).\n",
    .operand = "TASK",
    .operand_offset = offsetof(struct task_options, task),
    .groups = groups,
    .after = "Examples:\n"
             "  reeltime ctl delete $task\n"
             "  reeltime ctl delete $task && reeltime ctl wait $task\n"
             "\n" CTL_EXIT_HELP,
};

static void show_task(const json_t *response, struct buf *out)
{
    task_view_text(response, out);
}

static void show_nothing(const json_t *response, struct buf *out)
{
    (void)response;
    (void)out;
}

static int call(const struct option_table *table, const struct account *account,
                const struct task_options *o, const char *action,
                void (*show)(const json_t *response, struct buf *out))
{
    struct buf text;
    struct answer answer;
    buf_init(&text, 16u << 20);
    json_t *params = task_params(account, o, &text);
    if (!params) {
        int wrong = command_complain(table, &text);
        buf_fini(&text);
        return wrong;
    }
    int status = command_call(table, account, action, params, &answer);
    json_decref(params);
    if (!status) {
        if (o->account.json)
            text_put_json(answer.response, &text);
        else
            show(answer.response, &text);
        command_print(&text);
        answer_fini(&answer);
    }
    buf_fini(&text);
    return status;
}

int describe_main(int argc, char **argv)
{
    struct task_options o = { 0 };
    struct account account;
    int status;
    if (!command_begin(&describe_table, &o, argc, argv, &account, &status))
        return status;
    status = call(&describe_table, &account, &o, "DescribeCloudRecording", show_task);
    account_close(&account);
    return status;
}

int delete_main(int argc, char **argv)
{
    struct task_options o = { 0 };
    struct account account;
    int status;
    if (!command_begin(&delete_table, &o, argc, argv, &account, &status))
        return status;
    status = call(&delete_table, &account, &o, "DeleteCloudRecording", show_nothing);
    account_close(&account);
    return status;
}
