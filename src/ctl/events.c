/* `reeltime ctl events`: a receiver of callbacks on one address. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "ctl/commands.h"
#include "ctl/event_view.h"
#include "ctl/text.h"
#include "io/http_server.h"
#include "observe/log.h"

#define LISTEN_DEFAULT "127.0.0.1:9200"
#define MAX_BODY       (1u << 20)
#define MAX_SENDERS    64
#define MAILBOX        1024

struct events_options {
    struct account_options account; /* of it: config, app, json */
    const char *listen, *key, *task;
    struct option_number count;
};

#define AT(member) offsetof(struct events_options, member)

static const struct option_row rows[] = {
    { "listen", OPTION_TEXT, AT(listen), "ADDRESS:PORT",
      .help = "Default: 127.0.0.1:9200. Port 0: any that is free." },
    { "key", OPTION_TEXT, AT(key), "KEY",
      .help = "The application's callback key, to check the header\n"
              "Sign. Others on this machine can read it in the process\n"
              "list: better REELTIME_CALLBACK_KEY in the environment,\n"
              "or --config. Without a key nothing is checked." },
    { "task", OPTION_TEXT, AT(task), "TASK", .help = "Shows the events of this task alone." },
    { "count", OPTION_NUMBER, AT(count), "N", .min = 1, .max = UINT32_MAX,
      .help = "Ends after so many shown events. Default: SIGINT ends." },
    { "config", OPTION_TEXT, AT(account.config), "FILE",
      .help = "The daemon's configuration, for the callback key." },
    { "app", OPTION_NUMBER, AT(account.app), "N", .min = 1, .max = UINT32_MAX,
      .help = "SdkAppId. Default: the only one of the configuration." },
    { "json", OPTION_FLAG, AT(account.json),
      .help = "Each event as it came, one JSON object a line; what is\n"
              "wrong with it goes to standard error." },
};

static const struct option_group groups[] = { OPTION_GROUP(NULL, rows), { NULL, NULL, 0 } };

static const struct option_table table = {
    .command = "reeltime ctl events",
    .about = "Receives callbacks at any path of an address, checks their signature, answers\n"
             "{\"code\":0} and shows each as one line: time, type, room, task, payload.\n",
    .groups = groups,
    .after = "Examples:\n"
             "  reeltime ctl events --config reeltime.yaml\n"
             "  REELTIME_CALLBACK_KEY=myCallbackKey reeltime ctl events --listen 0.0.0.0:9200\n"
             "  reeltime ctl events --json | jq .EventType\n"
             "\n"
             "The daemon sends there when its configuration has, for the application,\n"
             "  callback: { url: \"http://127.0.0.1:9200/\", key: myCallbackKey }\n"
             "\n"
             "Exit status: 0 all were good, 1 a signature was missing or wrong, 2 wrong options\n"
             "or the address is not to be had.\n",
};

struct listener {
    const struct events_options *o;
    struct bytes key;
    /* Loop thread; read by the main thread after it has ended. */
    uint64_t shown;
    bool bad;
};

static bool wanted(const struct listener *l, const json_t *event)
{
    const json_t *info = json_object_get(event, "EventInfo");
    return !l->o->task || strcmp(json_text(info, "TaskId"), l->o->task) == 0;
}

static void print_event(struct listener *l, const json_t *event, enum event_signature signature)
{
    struct buf line, told;
    buf_init(&line, 4 * MAX_BODY);
    buf_init(&told, 4 * MAX_BODY);
    event_view_text(event, signature, &told);
    bool bad = !json_is_object(event) || signature == EVENT_WRONG || signature == EVENT_UNSIGNED;
    if (l->o->account.json) {
        if (json_is_object(event))
            text_put_json(event, &line);
        if (bad)
            fputs(buf_str(&told), stderr);
    } else {
        buf_put_bytes(&line, buf_bytes(&told));
    }
    command_print(&line);
    l->bad = l->bad || bad;
    l->shown++;
    buf_fini(&line);
    buf_fini(&told);
}

static void answer(struct http_exchange *exchange, int status, const char *text)
{
    struct http_answer out;
    http_answer_init(&out, status);
    http_answer_header(&out, "Content-Type", "application/json");
    buf_put_str(&out.body, text);
    http_exchange_answer(exchange, &out);
}

static void take(struct listener *l, const struct http_request *request)
{
    enum event_signature signature =
        event_signature(l->key, http_header(request, "Sign"), request->body);
    json_t *event = json_loadb((const char *)request->body.ptr, request->body.len, 0, NULL);
    if (wanted(l, event))
        print_event(l, event, signature);
    json_decref(event);
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
    struct listener *l = ctx;
    const struct http_request *request = http_exchange_request(exchange);
    if (strcmp(request->method, "POST") != 0 || request->too_large) {
        answer(exchange, 405, "{\"code\":1,\"message\":\"events come as POST\"}");
        return;
    }
    if (!l->o->count.given || l->shown < l->o->count.value)
        take(l, request);
    answer(exchange, 200, "{\"code\":0}");
    if (l->o->count.given && l->shown >= l->o->count.value)
        kill(getpid(), SIGTERM);
}

static void on_timeout(void *ctx, struct http_answer *out)
{
    (void)ctx;
    (void)out;
}

/* Until SIGINT or SIGTERM, which stay blocked in all threads. */
static int listen_until_signal(struct listener *l, struct addr address)
{
    struct http_server *server;
    struct loop *loop;
    sigset_t ends;
    char text[ADDR_TEXT_SIZE];
    int got;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int err = loop_new(&loop, "events", MAILBOX);
    if (err)
        return command_fail(&table, CTL_USAGE, "%s", err_text(err));
    const struct http_server_config config = { .listen = address,
                                               .max_body = MAX_BODY,
                                               .max_connections = MAX_SENDERS,
                                               .timeout = 5 * SEC,
                                               .home = loop,
                                               .ctx = l,
                                               .handle = on_request,
                                               .on_timeout = on_timeout };
    log_setup(LOG_ERROR, false);
    err = http_server_start(&server, &config);
    if (!err) {
        address.port = http_server_port(server);
        fprintf(stderr, "listening on http://%s/%s\n", addr_text(address, text),
                l->key.len ? "" : ", without a key to check signatures");
        sigwait(&ends, &got);
        http_server_stop(server);
    }
    loop_free(loop);
    return err ? CTL_USAGE : l->bad ? CTL_REFUSED : CTL_GOOD;
}

/* The option, the file of --config, the environment, keys.yaml. */
static struct bytes callback_key(const struct events_options *o, const struct account *account)
{
    struct buf ignored;
    uint32_t id = 0;
    buf_init(&ignored, CTL_COMPLAINT_MAX);
    account_app_id(account, &id, &ignored);
    buf_fini(&ignored);
    const struct config_app *app = account_app(account, id);
    const char *of_app = app ? app->callback.key : NULL;
    const char *of_environment = getenv("REELTIME_CALLBACK_KEY");
    const char *key = o->key ? o->key : account->explicit_config ? of_app : NULL;
    if (!key && of_environment && *of_environment)
        key = of_environment;
    if (!key)
        key = of_app;
    return bytes_str(key ? key : "");
}

int events_main(int argc, char **argv)
{
    struct events_options o = { 0 };
    struct account account;
    struct addr address;
    int status;
    if (!command_begin(&table, &o, argc, argv, &account, &status))
        return status;
    struct listener l = { .o = &o, .key = callback_key(&o, &account) };
    if (addr_parse_hostport(&address, o.listen ? o.listen : LISTEN_DEFAULT))
        status = listen_until_signal(&l, address);
    else
        status = command_fail(&table, CTL_USAGE, "--listen wants an address like 127.0.0.1:9200");
    account_close(&account);
    return status;
}
