#include "task/once.h"

#include <assert.h>

#include "base/err.h"
#include "sign/digest.h"

#define PARAMS_LIMIT (1u << 20)

static_assert(STORE_FINGERPRINT_SIZE == SHA256_SIZE, "the fingerprint is an HMAC-SHA256");

struct loading {
    struct tasks *tasks;
    int err;
};

static void on_row(void *ctx, const struct store_start *row)
{
    struct loading *l = ctx;
    if (!starts_restore(l->tasks->starts, row))
        l->err = ERR_NOMEM;
}

int once_load(struct tasks *tasks)
{
    struct loading l = { .tasks = tasks };
    int err = store_load_starts(tasks->config.store, on_row, &l);
    err = err ? err : l.err;
    if (err)
        log_error(NULL, "the keys of former starts cannot be read: %s", err_text(err));
    starts_expire(tasks->starts, clock_wall());
    return err;
}

/* Keyed, as the parameters hold secrets. The tickets are left out. */
static int fingerprint_of(const struct tasks *tasks, const struct create_params *params,
                          uint8_t out[STORE_FINGERPRINT_SIZE])
{
    struct create_params copy = *params;
    struct buf text;
    buf_init(&text, PARAMS_LIMIT);
    copy.user_sig = copy.private_map_key = NULL;
    buf_put_str(&text, "idempotent start\n");
    schema_write_json(&create_schema, &copy, &text);
    const struct seal_key *key = tasks->config.key;
    int err = text.err;
    if (!err)
        err = hmac_sha256(bytes_of(key->secret, sizeof key->secret), buf_bytes(&text), out);
    seal_wipe_buf(&text);
    return err;
}

static void answer(struct api_call *call, const char *task_id)
{
    api_call_succeed(call, json_pack("{s:s}", "TaskId", task_id));
}

static void refuse(struct api_call *call, enum start_answer why)
{
    if (why == START_OTHER)
        api_call_fail(call, API_INVALID_VALUE,
                      "`" API_IDEMPOTENCY_HEADER "` was used for a start with other parameters");
    else if (why == START_FULL)
        api_call_fail(call, API_LIMIT_EXCEEDED,
                      "too many starts of this application with `" API_IDEMPOTENCY_HEADER
                      "` in a day");
    else if (why == START_PENDING)
        api_call_fail(call, API_LIMIT_EXCEEDED, "too many repeats of this start wait for it");
    else
        api_call_fail(call, API_RECORDING_ERROR, "out of memory");
}

bool once_begin(struct tasks *tasks, const struct create_params *params, struct api_call *call,
                struct start **start)
{
    uint8_t fingerprint[STORE_FINGERPRINT_SIZE];
    const struct start_name name = { (uint32_t)params->sdk_app_id, api_call_secret_id(call),
                                     api_call_idempotency_key(call) };
    struct start *found = NULL;
    *start = NULL;
    if (!name.key)
        return true;
    enum start_answer found_as =
        fingerprint_of(tasks, params, fingerprint)
            ? START_NOMEM
            : starts_ask(tasks->starts, &name, fingerprint, clock_wall(), &found);
    if (found_as == START_NEW)
        *start = found;
    else if (found_as == START_DONE)
        answer(call, start_task(found));
    else if (found_as != START_PENDING || !start_wait(found, call))
        refuse(call, found_as);
    return found_as == START_NEW;
}

void once_store(struct store_change *change, const struct start *start, const char *task_id)
{
    if (!start)
        return;
    struct store_start row = start_row(start, task_id);
    store_change_expire_starts(change, row.created - STARTS_KEPT);
    store_change_add_start(change, &row);
}

void once_done(struct start *start, const char *task_id)
{
    struct api_call *call;
    if (!start)
        return;
    start_done(start, task_id);
    while ((call = start_take_waiting(start)))
        answer(call, task_id);
}

void once_failed(struct start *start, const char *code, const char *detail)
{
    struct api_call *call;
    if (!start)
        return;
    while ((call = start_take_waiting(start)))
        api_call_fail(call, code, "%s", detail);
    start_failed(start);
}
