/* `reeltime ctl wait`: asks Describe until the task is gone. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "ctl/commands.h"
#include "ctl/screen.h"
#include "ctl/text.h"

#define EVERY_MS_DEFAULT 500
#define NOT_FOUND        "ResourceNotFound"
#define TOO_MANY         "RequestLimitExceeded"

struct wait_options {
    struct task_options task;
    struct option_number timeout, every_ms;
};

#define AT(member) offsetof(struct wait_options, member)

static const struct option_row rows[] = {
    { "timeout", OPTION_NUMBER, AT(timeout), "SECONDS", .max = 31536000,
      .help = "Gives up after so long (exit status 4). Default: never." },
    { "every", OPTION_NUMBER, AT(every_ms), "MS", .min = 100, .max = 60000,
      .help = "How often the service is asked. Default: 500." },
};

static const struct option_group groups[] = { OPTION_GROUP(NULL, rows),
                                              ACCOUNT_GROUP,
                                              { NULL, NULL, 0 } };

static const struct option_table table = {
    .command = "reeltime ctl wait",
    .about = "Waits until a task has ended and everything it recorded is in the bucket.\n"
             "On a terminal one line is redrawn; otherwise each change is a line, with --json\n"
             "an object. A service that is away for a while, for a restart say, is waited for.\n",
    .operand = "TASK",
    .operand_offset = offsetof(struct wait_options, task.task),
    .groups = groups,
    .after = "Examples:\n"
             "  reeltime ctl delete $task && reeltime ctl wait $task\n"
             "  reeltime ctl wait $task --timeout 600 || echo 'not delivered'\n"
             "\n"
             "A delivered task is not known any more, and neither is one that never was: both\n"
             "count as delivered here.\n"
             "\n"
             "Exit status: 0 delivered, 1 refused by the service (code and message are shown),\n"
             "2 wrong options, 3 no connection to the service at the start, 4 time is over.\n",
};

/* --- waiting --- */

struct waiting {
    const struct wait_options *o;
    struct client *client;
    json_t *params;
    struct progress progress;
    struct screen screen;
    bool answered; /* once at least */
    int status;
};

/* False: it is over, with `status`. */
static bool take(struct waiting *w, const struct answer *answer)
{
    if (strcmp(answer->code, NOT_FOUND) == 0) {
        progress_gone(&w->progress);
        screen_show(&w->screen, &w->progress);
        return false;
    }
    if (*answer->code && strcmp(answer->code, TOO_MANY) != 0) {
        command_show_error(&table, answer, w->o->task.account.json);
        w->status = CTL_REFUSED;
        return false;
    }
    if (!*answer->code)
        progress_told(&w->progress, answer->response);
    screen_show(&w->screen, &w->progress);
    return true;
}

static bool ask(struct waiting *w)
{
    struct answer answer;
    struct buf complaint;
    buf_init(&complaint, CTL_COMPLAINT_MAX);
    int err = client_call(w->client, "DescribeCloudRecording", w->params, &answer, &complaint);
    bool on = true;
    if (!err) {
        w->answered = true;
        on = take(w, &answer);
        answer_fini(&answer);
    } else if (w->answered) {
        progress_lost(&w->progress);
        screen_show(&w->screen, &w->progress);
    } else {
        w->status = command_fail(&table, CTL_UNREACHABLE, "%s",
                                 complaint.len ? buf_str(&complaint) : err_text(err));
        on = false;
    }
    buf_fini(&complaint);
    return on;
}

static bool time_over(const struct waiting *w)
{
    usec_t gone = clock_mono() - w->progress.started;
    return w->o->timeout.given && gone >= (usec_t)w->o->timeout.value * SEC;
}

static void pause_ms(uint64_t ms)
{
    struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    nanosleep(&t, NULL);
}

static int wait_for(struct waiting *w)
{
    uint64_t every = w->o->every_ms.given ? w->o->every_ms.value : EVERY_MS_DEFAULT;
    progress_start(&w->progress, clock_mono());
    while (ask(w)) {
        if (time_over(w)) {
            w->status = CTL_TIME_OVER;
            break;
        }
        pause_ms(every);
    }
    screen_end(&w->screen);
    if (w->status == CTL_TIME_OVER)
        command_fail(&table, w->status, "not delivered within %llu s",
                     (unsigned long long)w->o->timeout.value);
    return w->status;
}

static int wait_task(const struct wait_options *o, const struct account *account)
{
    struct buf complaint;
    struct waiting w = { .o = o };
    int status;
    buf_init(&complaint, CTL_COMPLAINT_MAX);
    screen_init(&w.screen, stdout,
                o->task.account.json    ? STYLE_JSON
                : isatty(STDOUT_FILENO) ? STYLE_BAR
                                        : STYLE_LINES);
    w.params = task_params(account, &o->task, &complaint);
    int err = w.params ? client_open(&w.client, account, &complaint) : ERR_MALFORMED;
    if (!err)
        status = wait_for(&w);
    else if (err == ERR_MALFORMED)
        status = command_complain(&table, &complaint);
    else
        status = command_fail(&table, CTL_UNREACHABLE, "%s", err_text(err));
    client_close(w.client);
    json_decref(w.params);
    buf_fini(&complaint);
    return status;
}

int wait_main(int argc, char **argv)
{
    struct wait_options o = { 0 };
    struct account account;
    int status;
    if (!command_begin(&table, &o, argc, argv, &account, &status))
        return status;
    status = wait_task(&o, &account);
    account_close(&account);
    return status;
}
