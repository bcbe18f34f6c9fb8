/* `reeltime ctl create`. */
#include <stdio.h>

#include "ctl/commands.h"
#include "ctl/create_params.h"
#include "ctl/text.h"

static int create(const struct create_options *o, const struct account *account)
{
    struct buf text;
    struct answer answer;
    buf_init(&text, 1u << 20);
    json_t *params = create_params_from(o, account, clock_wall(), &text);
    if (!params) {
        int wrong = command_complain(&create_table, &text);
        buf_fini(&text);
        return wrong;
    }
    int status = command_call(&create_table, account, "CreateCloudRecording", params, &answer);
    json_decref(params);
    if (!status) {
        if (o->account.json) {
            text_put_json(answer.response, &text);
        } else {
            text_put_printable(json_text(answer.response, "TaskId"), &text);
            buf_put_u8(&text, '\n');
        }
        command_print(&text);
        answer_fini(&answer);
    }
    buf_fini(&text);
    return status;
}

int create_main(int argc, char **argv)
{
    struct create_options o = { 0 };
    struct account account;
    int status;
    if (!command_begin(&create_table, &o, argc, argv, &account, &status))
        return status;
    account.once = o.once;
    status = create(&o, &account);
    account_close(&account);
    return status;
}
