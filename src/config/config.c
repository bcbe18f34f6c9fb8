#include "config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "config/check.h"
#include "config/keys.h"
#include "config/table.h"
#include "schema/yaml.h"

static void report(void *ctx, const struct schema_error *e)
{
    struct complaints *c = ctx;
    if (e->kind == SCHEMA_UNKNOWN)
        complain_at(c, e->line, e->path, "there is no such key");
    else if (e->kind == SCHEMA_MISSING)
        complain_at(c, e->line, e->path, "missing; wanted %s", e->wanted);
    else if (*e->got)
        complain_at(c, e->line, e->path, "wanted %s, not `%s`", e->wanted, e->got);
    else
        complain_at(c, e->line, e->path, "wanted %s", e->wanted);
}

/* `root` may be NULL: all defaults. */
static int fill(struct config *config, const struct value *root, struct complaints *c)
{
    c->root = root;
    struct schema_sink sink = { report, c, SCHEMA_BRACKETS };
    int err = schema_read(&config_schema, config, root, &sink);
    if (!err && c->count)
        return ERR_MALFORMED;
    if (!err)
        err = config_complete(config);
    if (err)
        return err;
    config_check(config, c);
    return c->count ? ERR_MALFORMED : OK;
}

static int fill_from_text(struct config *config, struct bytes text, struct complaints *c)
{
    struct value *root;
    struct value_error error;
    int err = value_from_yaml(&root, text, &error);
    if (err == ERR_NOMEM)
        return err;
    if (err) {
        complain_at(c, error.line, "", "%s", error.message);
        return ERR_MALFORMED;
    }
    err = fill(config, root, c);
    c->root = NULL;
    value_free(root);
    return err;
}

static int fill_from_file(struct config *config, struct complaints *c)
{
    struct buf text;
    buf_init(&text, YAML_MAX_SIZE);
    int err = text_file_read(c->name, &text);
    if (!err)
        err = fill_from_text(config, buf_bytes(&text), c);
    else if (err != ERR_NOMEM)
        complain_at(c, 0, "", "cannot be read: %s",
                    err == ERR_LIMIT ? "too large" : strerror(errno));
    secret_buf_fini(&text);
    return err == ERR_NOT_FOUND ? ERR_IO : err == ERR_LIMIT ? ERR_MALFORMED : err;
}

int config_parse(struct config **out, const char *name, struct bytes text, struct buf *complaints)
{
    struct complaints c = { .name = name, .out = complaints };
    struct config *config = calloc(1, sizeof *config);
    if (!config)
        return ERR_NOMEM;
    int err = fill_from_text(config, text, &c);
    if (err) {
        config_free(config);
        return err;
    }
    *out = config;
    return OK;
}

int config_load(struct config **out, const char *file, struct buf *complaints)
{
    struct complaints c = { .name = file, .out = complaints };
    struct config *config = calloc(1, sizeof *config);
    if (!config)
        return ERR_NOMEM;
    int err = file ? fill_from_file(config, &c) : fill(config, NULL, &c);
    if (!err && !config->apps.count)
        err = keys_load(config, &c);
    if (err) {
        config_free(config);
        return err;
    }
    *out = config;
    return OK;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    free(config->keys_file);
    schema_free(&config_schema, config);
    free(config);
}

void config_reference(struct buf *out)
{
    schema_reference(&config_schema, out);
}
