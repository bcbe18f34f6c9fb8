#include "serve/serve.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/err.h"
#include "serve/metrics_table.h"
#include "serve/service.h"

#define POOL_THREADS                                                                               \
    "16" /* libuv's pool: folder buckets copy there; a slow mount must not hold up the others */

static void usage(FILE *to)
{
    fputs("usage: reeltime serve [--config FILE]\n"
          "\n"
          "Runs the recording service until SIGTERM or SIGINT. Without a file everything is on "
          "loopback, data is\n"
          "under ./reeltime-data, and keys are generated at the first start.\n"
          "\n"
          "  -c, --config FILE   YAML configuration\n"
          "      --reference     print all configuration keys with their defaults, and exit\n"
          "      --metrics       print all metrics with their meaning, and exit\n"
          "  -h, --help          this text\n",
          to);
}

static int print_reference(void)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    config_reference(&text);
    fputs(buf_str(&text), stdout);
    buf_fini(&text);
    return 0;
}

static int print_metrics(void)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    metrics_reference(metrics_table, METRICS, &text);
    fputs(buf_str(&text), stdout);
    buf_fini(&text);
    return 0;
}

/* Shown once, when the keys were just made. */
static void show_keys(const struct config *c)
{
    const struct config_app *app = &c->apps.items[0];
    const struct config_credential *key = &c->credentials.items[0];
    printf("\nKeys were generated and are kept in %s (readable by you alone). They are shown this "
           "once.\n"
           "\n"
           "  SdkAppId    %llu\n"
           "  UserSig key %s\n"
           "  SecretId    %s\n"
           "  SecretKey   %s\n"
           "\n"
           "With tencentcloud-sdk-nodejs:\n"
           "\n"
           "  const { trtc } = require(\"tencentcloud-sdk-nodejs\");\n"
           "  const client = new trtc.v20190722.Client({\n"
           "    credential: { secretId: \"%s\", secretKey: \"%s\" },\n"
           "    region: \"%s\",\n"
           "    profile: { httpProfile: { endpoint: \"%s\", protocol: \"http://\" } },\n"
           "  });\n"
           "  client.CreateCloudRecording({\n"
           "    SdkAppId: %llu, RoomId: \"room-1\", RoomIdType: 0, UserId: \"recorder_room-1\", "
           "UserSig: \"<UserSig of recorder_room-1>\",\n"
           "    RecordParams: { RecordMode: 1, MaxIdleTime: 60 },\n"
           "    StorageParams: { CloudStorage: { Vendor: 1, Region: \"%s\", Bucket: "
           "\"recordings\", AccessKey: \"local\", SecretKey: \"local\" } },\n"
           "  }).then(console.log, console.error);\n"
           "\n"
           "Publishers:  %s/v2/pub/%llu/room-1?SessionID=alice   (WHIP, bearer token: UserSig of "
           "alice)\n\n",
           c->keys_file, (unsigned long long)app->sdk_app_id, app->key, key->secret_id,
           key->secret_key, key->secret_id, key->secret_key, c->regions.items[0], c->api.listen,
           (unsigned long long)app->sdk_app_id, c->storage.items[0].region, c->api.public_url,
           (unsigned long long)app->sdk_app_id);
    fflush(stdout);
}

/* Every playlist in flight holds descriptors, and every connection one. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The signals that end us stay blocked in all threads; the main thread takes them from the queue.
 */
static sigset_t take_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

static int serve(const struct config *config)
{
    struct service *service;
    sigset_t signals = take_signals();
    log_setup((enum log_level)config->log.level, config->log.format == CONFIG_LOG_JSON);
    raise_file_limit();
    setenv("UV_THREADPOOL_SIZE", POOL_THREADS, 0);
    if (config->keys_generated)
        show_keys(config);
    if (service_start(&service, config))
        return 1;
    log_info(NULL, "serving: API and WHIP at %s, media at UDP %s port %u to %u, data in %s",
             config->api.public_url, config->media.listen, (unsigned)config->media.port,
             (unsigned)(config->media.port + config->media.loops - 1), config->data);

    int got;
    sigwait(&signals, &got);
    log_info(NULL, "%s: finishing what is open", got == SIGTERM ? "SIGTERM" : "SIGINT");
    service_stop(service);
    log_info(NULL, "stopped");
    return 0;
}

static int load_and_serve(const char *file)
{
    struct config *config;
    struct buf complaints;
    buf_init(&complaints, 1u << 16);
    int err = config_load(&config, file, &complaints);
    if (err) {
        fputs(buf_str(&complaints), stderr);
        if (!complaints.len)
            fprintf(stderr, "reeltime: the configuration cannot be read: %s\n", err_text(err));
    }
    buf_fini(&complaints);
    if (err)
        return 1;
    int status = serve(config);
    config_free(config);
    return status;
}

int serve_main(int argc, char **argv)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "reference", no_argument, NULL, 'r' },
                                             { "metrics", no_argument, NULL, 'm' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    const char *file = NULL;
    int c;
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (c) {
        case 'c': file = optarg; break;
        case 'r': return print_reference();
        case 'm': return print_metrics();
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "reeltime serve: unexpected '%s'\n", argv[optind]);
        usage(stderr);
        return 2;
    }
    return load_and_serve(file);
}
