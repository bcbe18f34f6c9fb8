#include "config/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"

__attribute__((format(printf, 4, 0))) static void
complain_v(struct complaints *c, int line, const char *path, const char *fmt, va_list args)
{
    c->count++;
    if (c->name)
        buf_printf(c->out, "%s:", c->name);
    if (line > 0)
        buf_printf(c->out, "%d:", line);
    buf_printf(c->out, "%s%s%s", c->name ? " " : "", path, *path ? ": " : "");
    buf_vprintf(c->out, fmt, args);
    buf_put_u8(c->out, '\n');
}

void complain_at(struct complaints *c, int line, const char *path, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    complain_v(c, line, path, fmt, args);
    va_end(args);
}

void complain(struct complaints *c, const char *path, const char *fmt, ...)
{
    const struct value *at = c->root ? value_at(c->root, path) : NULL;
    va_list args;
    va_start(args, fmt);
    complain_v(c, at ? at->line : 0, path, fmt, args);
    va_end(args);
}

static char *join(const char *a, const char *between, const char *b)
{
    struct buf text;
    buf_init(&text, 4096);
    buf_printf(&text, "%s%s%s", a, between, b);
    return buf_detach(&text);
}

static int complete_url(struct config *c)
{
    if (!c->api.public_url)
        c->api.public_url = join(c->api.tls.cert ? "https" : "http", "://", c->api.listen);
    if (!c->api.public_url)
        return ERR_NOMEM;
    size_t len = strlen(c->api.public_url);
    while (len && c->api.public_url[len - 1] == '/')
        c->api.public_url[--len] = 0;
    return OK;
}

static int complete_advertise(struct config *c)
{
    if (c->media.advertise.count)
        return OK;
    free(c->media.advertise.items);
    c->media.advertise.items = calloc(1, sizeof *c->media.advertise.items);
    if (!c->media.advertise.items)
        return ERR_NOMEM;
    c->media.advertise.items[0] = strdup(c->media.listen);
    if (!c->media.advertise.items[0])
        return ERR_NOMEM;
    c->media.advertise.count = 1;
    return OK;
}

static int complete_storage(struct config *c)
{
    if (c->storage.count)
        return OK;
    free(c->storage.items);
    c->storage.items = calloc(1, sizeof *c->storage.items);
    if (!c->storage.items)
        return ERR_NOMEM;
    c->storage.count = 1;
    struct config_storage *s = &c->storage.items[0];
    s->path_style = true;
    s->region = strdup("local");
    s->dir = join(c->data, "/", "buckets");
    return s->region && s->dir ? OK : ERR_NOMEM;
}

int config_complete(struct config *config)
{
    int err = complete_url(config);
    if (!err)
        err = complete_advertise(config);
    return err ? err : complete_storage(config);
}

static void check_apps(const struct config *config, struct complaints *c)
{
    char path[64];
    for (size_t i = 0; i < config->apps.count; i++)
        for (size_t k = 0; k < i; k++)
            if (config->apps.items[i].sdk_app_id == config->apps.items[k].sdk_app_id) {
                snprintf(path, sizeof path, "apps[%zu].sdk_app_id", i);
                complain(c, path, "the same application as apps[%zu]", k);
                break;
            }
}

static void check_credentials(const struct config *config, struct complaints *c)
{
    char path[64];
    for (size_t i = 0; i < config->credentials.count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(config->credentials.items[i].secret_id,
                       config->credentials.items[k].secret_id) == 0) {
                snprintf(path, sizeof path, "credentials[%zu].secret_id", i);
                complain(c, path, "the same id as credentials[%zu]", k);
                break;
            }
}

static bool is_app(const struct config *config, const char *text)
{
    uint64_t id;
    for (size_t i = 0; i < config->apps.count; i++)
        if (str_to_u64(bytes_str(text), UINT32_MAX, &id) && config->apps.items[i].sdk_app_id == id)
            return true;
    return false;
}

/* A right to what is not there is a slip. */
static void check_rights(const struct config *config, struct complaints *c)
{
    char path[64];
    for (size_t i = 0; i < config->credentials.count; i++)
        for (size_t k = 0; k < config->credentials.items[i].apps.count; k++)
            if (!is_app(config, config->credentials.items[i].apps.items[k])) {
                snprintf(path, sizeof path, "credentials[%zu].apps[%zu]", i, k);
                complain(c, path, "is no sdk_app_id of apps");
            }
}

static void check_storage(const struct config *config, struct complaints *c)
{
    char path[64];
    for (size_t i = 0; i < config->storage.count; i++) {
        const struct config_storage *s = &config->storage.items[i];
        snprintf(path, sizeof path, "storage[%zu]", i);
        if (!s->dir == !s->endpoint)
            complain(c, path, "needs either dir or endpoint");
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->region, config->storage.items[k].region) == 0) {
                snprintf(path, sizeof path, "storage[%zu].region", i);
                complain(c, path, "the same region as storage[%zu]", k);
                break;
            }
    }
}

static bool is_wildcard(const char *ip)
{
    static const uint8_t zero[16];
    struct addr a;
    return addr_parse(&a, ip, 0) && memcmp(a.ip, zero, sizeof zero) == 0;
}

static void check_media(const struct config *config, struct complaints *c)
{
    char path[64];
    if (config->media.port + config->media.loops > 65535)
        complain(c, "media.port", "%llu loops from port %llu on go beyond port 65535",
                 (unsigned long long)config->media.loops, (unsigned long long)config->media.port);
    for (size_t i = 0; i < config->media.advertise.count; i++)
        if (is_wildcard(config->media.advertise.items[i])) {
            snprintf(path, sizeof path, "media.advertise[%zu]", i);
            complain(c, path, "`%s` is no address that publishers can send to",
                     config->media.advertise.items[i]);
        }
}

void config_check(const struct config *config, struct complaints *c)
{
    if (!config->api.tls.cert != !config->api.tls.key)
        complain(c, "api.tls", "needs both cert and key");
    if (config->apps.count && !config->credentials.count)
        complain(c, "credentials", "there are apps, so at least one is needed here");
    if (config->credentials.count && !config->apps.count)
        complain(c, "apps", "there are credentials, so at least one is needed here");
    if (!config->regions.count)
        complain(c, "regions", "at least one is needed");
    check_apps(config, c);
    check_credentials(config, c);
    check_rights(config, c);
    check_storage(config, c);
    check_media(config, c);
    check_auto_record(config, c);
}
