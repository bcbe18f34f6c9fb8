#include "ctl/account.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "io/file.h"
#include "schema/formats.h"

#define KEYS_FILE       "keys.yaml"
#define MAX_CONFIG      (1u << 20)
#define CONFIG_PATH_MAX 4096

#define AT(member) offsetof(struct account_options, member)

const struct option_row account_rows[] = {
    { "config", OPTION_TEXT, AT(config), "FILE",
      .help = "The daemon's configuration, for endpoint and keys.\n"
              "Default: what ./reeltime-data/keys.yaml holds." },
    { "endpoint", OPTION_TEXT, AT(endpoint), "URL",
      .help = "The service. Default: api.public_url of the\n"
              "configuration, http://127.0.0.1:9000 without one." },
    { "app", OPTION_NUMBER, AT(app), "N", .min = 1, .max = UINT32_MAX,
      .help = "SdkAppId. Default: the only one of the configuration." },
    { "secret-id", OPTION_TEXT, AT(secret_id), "ID",
      .help = "Who signs. Default: TENCENTCLOUD_SECRET_ID, or the\n"
              "first of the configuration." },
    { "secret-key", OPTION_TEXT, AT(secret_key), "KEY",
      .help = "Its key. Others on this machine can read it in the\n"
              "process list: better TENCENTCLOUD_SECRET_KEY." },
    { "api-region", OPTION_TEXT, AT(api_region), "REGION",
      .help = "Region of the request. Default: the configuration's\n"
              "first." },
    { "ca-file", OPTION_TEXT, AT(ca_file), "FILE",
      .help = "PEM of the authorities to trust with https." },
    { "json", OPTION_FLAG, AT(json), .help = "Answers as JSON, one object a line." },
};
static_assert(sizeof account_rows / sizeof *account_rows == ACCOUNT_ROWS, "account.h says so");

/* --- the configuration --- */

static void wipe(struct buf *b)
{
    if (b->ptr)
        explicit_bzero(b->ptr, b->size);
    buf_fini(b);
}

/* ERR_NOT_FOUND without a complaint; ERR_IO with one. */
static int read_text(const char *path, struct buf *out, struct buf *complaint)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return ERR_NOT_FOUND;
    if (fd < 0) {
        buf_printf(complaint, "%s cannot be read: %s", path, strerror(errno));
        return ERR_IO;
    }
    int err = file_read_fd(out, fd);
    close(fd);
    if (err)
        buf_printf(complaint, "%s cannot be read: %s", path, err_text(err));
    return err;
}

static int parse_file(struct config **out, const char *path, struct buf *complaint)
{
    struct buf text;
    buf_init(&text, MAX_CONFIG);
    int err = read_text(path, &text, complaint);
    if (!err)
        err = config_parse(out, path, buf_bytes(&text), complaint);
    wipe(&text);
    return err;
}

/* Gives `config`, which has neither, the applications and credentials of its keys.yaml, if that is
 * there. */
static int add_keys(struct config *config, struct buf *complaint)
{
    char path[CONFIG_PATH_MAX];
    struct config *keys;
    if (snprintf(path, sizeof path, "%s/" KEYS_FILE, config->data) >= (int)sizeof path)
        return OK;
    int err = parse_file(&keys, path, complaint);
    if (err)
        return err == ERR_NOT_FOUND ? OK : err;
    memcpy(&config->apps, &keys->apps, sizeof keys->apps);
    memcpy(&config->credentials, &keys->credentials, sizeof keys->credentials);
    memset(&keys->apps, 0, sizeof keys->apps);
    memset(&keys->credentials, 0, sizeof keys->credentials);
    config_free(keys);
    return OK;
}

static int load(struct config **out, const char *path, struct buf *complaint)
{
    struct config *config;
    int err = path ? parse_file(&config, path, complaint)
                   : config_parse(&config, "defaults", bytes_str(""), complaint);
    if (err == ERR_NOT_FOUND)
        buf_printf(complaint, "%s does not exist (--config)", path);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_IO : err;
    err = config->apps.count || config->credentials.count ? OK : add_keys(config, complaint);
    if (err) {
        config_free(config);
        return err;
    }
    *out = config;
    return OK;
}

int account_open(struct account *out, const struct account_options *options, struct buf *complaint)
{
    struct config *config;
    int err = load(&config, options->config, complaint);
    if (err)
        return err;
    *out = (struct account){ config, options->config != NULL, options };
    return OK;
}

void account_close(struct account *account)
{
    config_free(account->config);
    account->config = NULL;
}

/* --- credentials --- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool from_environment(struct credentials *out)
{
    *out = (struct credentials){ environment("TENCENTCLOUD_SECRET_ID"),
                                 environment("TENCENTCLOUD_SECRET_KEY") };
    return out->id && out->key;
}

/* `id` NULL: the first. */
static bool from_config(const struct config *config, const char *id, struct credentials *out)
{
    for (size_t i = 0; i < config->credentials.count; i++) {
        const struct config_credential *c = &config->credentials.items[i];
        if (!id || strcmp(id, c->secret_id) == 0) {
            *out = (struct credentials){ c->secret_id, c->secret_key };
            return true;
        }
    }
    return false;
}

static bool fits(const struct credentials *c, const char *id)
{
    return !id || strcmp(c->id, id) == 0;
}

bool account_credentials(const struct account *account, struct credentials *out,
                         struct buf *complaint)
{
    const char *id = account->options->secret_id, *key = account->options->secret_key;
    struct credentials found;
    if (key && !id) {
        buf_put_str(complaint, "--secret-id is missing: --secret-key alone does not say whose");
        return false;
    }
    if (key)
        found = (struct credentials){ id, key };
    else if (account->explicit_config && from_config(account->config, id, &found))
        ;
    else if (from_environment(&found) && fits(&found, id))
        ;
    else if (!from_config(account->config, id, &found)) {
        buf_printf(complaint,
                   "no %s: give --config FILE, or TENCENTCLOUD_SECRET_ID and "
                   "TENCENTCLOUD_SECRET_KEY in the environment",
                   id ? "key of that --secret-id is known" : "credentials");
        return false;
    }
    *out = found;
    return true;
}

/* --- application, endpoint, region --- */

bool account_app_id(const struct account *account, uint32_t *out, struct buf *complaint)
{
    const struct config *config = account->config;
    if (account->options->app.given)
        *out = (uint32_t)account->options->app.value;
    else if (config->apps.count == 1)
        *out = (uint32_t)config->apps.items[0].sdk_app_id;
    else
        buf_put_str(complaint, config->apps.count
                                   ? "--app is missing: the configuration has several applications"
                                   : "--app is missing, and no configuration names one (--config)");
    return complaint->len == 0;
}

const struct config_app *account_app(const struct account *account, uint64_t sdk_app_id)
{
    for (size_t i = 0; i < account->config->apps.count; i++)
        if (account->config->apps.items[i].sdk_app_id == sdk_app_id)
            return &account->config->apps.items[i];
    return NULL;
}

bool account_app_key(const struct account *account, uint32_t sdk_app_id, const char *option,
                     struct bytes *out, struct buf *complaint)
{
    const struct config_app *app = account_app(account, sdk_app_id);
    const char *key = option;
    if (!key && app && account->explicit_config)
        key = app->key;
    if (!key)
        key = environment("REELTIME_APP_KEY");
    if (!key && app)
        key = app->key;
    if (key)
        *out = bytes_str(key);
    else
        buf_printf(complaint,
                   "the key of application %u is not known: give --config FILE, or "
                   "REELTIME_APP_KEY in the environment",
                   sdk_app_id);
    return key != NULL;
}

bool account_endpoint(const struct account *account, struct buf *out, struct buf *complaint)
{
    const char *url = account->options->endpoint;
    if (url && !url_is_http(url)) {
        buf_put_str(complaint, "--endpoint wants a URL like http://127.0.0.1:9000");
        return false;
    }
    if (!url)
        url = account->config->api.public_url;
    size_t len = strlen(url);
    while (len && url[len - 1] == '/')
        len--;
    buf_put(out, url, len);
    return true;
}

const char *account_api_region(const struct account *account)
{
    return account->options->api_region ? account->options->api_region
                                        : account->config->regions.items[0];
}
