#include "ctl/ctl.h"

#include <stdio.h>

#include "base/err.h"
#include "ctl/commands.h"
#include "ctl/text.h"

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "create", "start recording a room; prints the TaskId", create_main },
    { "describe", "what a task does, its files, and what waits for upload", describe_main },
    { "delete", "stop a task; delivery goes on", delete_main },
    { "wait", "wait until a task is delivered, with a progress bar", wait_main },
    { "events", "receive callbacks, check their signature, show them", events_main },
};

static void usage(FILE *to)
{
    fputs("usage: reeltime ctl COMMAND [OPTIONS]\n"
          "\n"
          "Works with a running service through its cloud API.\n"
          "\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n"
          "Example, beside a daemon that runs with its defaults:\n"
          "  task=$(reeltime ctl create --room room-1 --bucket recordings)\n"
          "  reeltime ctl describe $task\n"
          "  reeltime ctl delete $task && reeltime ctl wait $task\n"
          "\n"
          "  reeltime ctl COMMAND --help   tells the options of a command\n",
          to);
}

int ctl_main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return CTL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return CTL_GOOD;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "reeltime ctl: no command '%s'\n\n", argv[1]);
    usage(stderr);
    return CTL_USAGE;
}

json_t *task_params(const struct account *account, const struct task_options *options,
                    struct buf *complaint)
{
    uint32_t app;
    if (!account_app_id(account, &app, complaint))
        return NULL;
    json_t *params = json_pack("{s:I, s:s}", "SdkAppId", (json_int_t)app, "TaskId", options->task);
    if (!params)
        buf_put_str(complaint, "TASK is no text in UTF-8");
    return params;
}

void command_show_error(const struct option_table *table, const struct answer *answer, bool json)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    if (json) {
        text_put_json(answer->response, &text);
        command_print(&text);
    } else {
        text_put_printable(answer->code, &text);
        buf_put_str(&text, ": ");
        text_put_printable(answer->message, &text);
        command_fail(table, CTL_REFUSED, "%s", buf_str(&text));
    }
    buf_fini(&text);
}

int command_call(const struct option_table *table, const struct account *account,
                 const char *action, const json_t *params, struct answer *out)
{
    struct client *client = NULL;
    struct answer answer;
    struct buf complaint;
    int status = CTL_GOOD;
    buf_init(&complaint, CTL_COMPLAINT_MAX);
    int err = client_open(&client, account, &complaint);
    if (!err)
        err = client_call(client, action, params, &answer, &complaint);
    client_close(client);
    if (err == ERR_MALFORMED)
        status = command_complain(table, &complaint);
    else if (err)
        status = command_fail(table, CTL_UNREACHABLE, "%s",
                              complaint.len ? buf_str(&complaint) : err_text(err));
    buf_fini(&complaint);
    if (status)
        return status;
    if (*answer.code) {
        command_show_error(table, &answer, account->options->json);
        answer_fini(&answer);
        return CTL_REFUSED;
    }
    *out = answer;
    return CTL_GOOD;
}
