/* The commands of `reeltime ctl`, and what they call the service with. Inside ctl/ only. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/client.h"
#include "ctl/command.h"

int create_main(int argc, char **argv);
int describe_main(int argc, char **argv);
int delete_main(int argc, char **argv);
int wait_main(int argc, char **argv);
int events_main(int argc, char **argv);

/* Options of a command on one task. */
struct task_options {
    struct account_options account;
    const char *task;
};

/* The parameters that Describe and Delete want. NULL: a complaint was made. */
json_t *task_params(const struct account *account, const struct task_options *options,
                    struct buf *complaint);

/* One call from connecting to the answer, with everything that can be said about its failure said.
 * CTL_GOOD: `out` holds a success and wants answer_fini. CTL_REFUSED: the answer was shown. Others:
 * see enum ctl_exit. */
int command_call(const struct option_table *table, const struct account *account,
                 const char *action, const json_t *params, struct answer *out);

/* Shows the API's error: as a line on stderr, or as JSON on stdout. */
void command_show_error(const struct option_table *table, const struct answer *answer, bool json);

#endif
