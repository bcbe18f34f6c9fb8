#include "offline/places.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "io/file.h"
#include "serve/outgoing.h"
#include "store/seal.h"
#include "task/storage.h"
#include "upload/dir_bucket.h"

#define CONFIG_MAX (4u << 20)

struct places {
    char *root, *name; /* of the folder for all; NULL: each its own */
    struct config *config;
    struct seal_key key;
    struct outgoing outgoing;
    struct loop *control;
};

/* --- one folder for all --- */

static int choose_folder(struct places *p, const char *to, struct buf *complaint)
{
    int fd, err = dir_open(&fd, to);
    if (err) {
        buf_printf(complaint, "--to: the folder cannot be made");
        return err;
    }
    close(fd);
    char *path = realpath(to, NULL), *slash = path ? strrchr(path, '/') : NULL;
    if (!slash || !file_name_ok(slash + 1)) {
        free(path);
        buf_put_str(complaint, "--to: the folder's name must be of A-Z a-z 0-9 . _ - + = @ and not "
                               "begin with a dot");
        return ERR_MALFORMED;
    }
    p->name = str_dup(bytes_str(slash + 1));
    p->root =
        slash == path ? str_dup(bytes_str("/")) : str_dup(bytes_of(path, (size_t)(slash - path)));
    free(path);
    return p->name && p->root ? OK : ERR_NOMEM;
}

/* --- each its own --- */

static int read_config(struct buf *text, const char *file, struct buf *complaint)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 ? ERR_IO : file_read_fd(text, fd);
    if (fd >= 0)
        close(fd);
    if (err)
        buf_put_str(complaint, "--config: the file cannot be read");
    return err;
}

/* What `serve` takes without a file, if its data were around the spool. */
static int default_config(struct buf *text, const char *spool)
{
    char *path = realpath(spool, NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash) {
        free(path);
        return ERR_IO;
    }
    *(slash == path ? slash + 1 : slash) = 0;
    json_t *o = json_pack("{s:s}", "data", path);
    char *json = o ? json_dumps(o, JSON_COMPACT) : NULL;
    free(path);
    json_decref(o);
    if (!json)
        return ERR_MALFORMED;
    buf_put_str(text, json); /* JSON is YAML */
    free(json);
    return text->err;
}

static int load_config(struct places *p, const char *file, const char *spool, struct buf *complaint)
{
    struct buf text;
    buf_init(&text, CONFIG_MAX);
    int err = file ? read_config(&text, file, complaint) : default_config(&text, spool);
    if (!err)
        err = config_parse(&p->config, file ? file : "defaults", buf_bytes(&text), complaint);
    buf_wipe(&text);
    return err;
}

/* As `serve` does, but none is made. */
static int load_key(struct places *p, struct buf *complaint)
{
    char path[PATH_MAX];
    int err = seal_key_env(&p->key, "REELTIME_MASTER_KEY");
    if (err != ERR_NOT_FOUND) {
        if (err)
            buf_put_str(complaint, "REELTIME_MASTER_KEY holds no key");
        return err;
    }
    if (p->config->master_key_file)
        snprintf(path, sizeof path, "%s", p->config->master_key_file);
    else
        snprintf(path, sizeof path, "%s/master.key", p->config->data);
    err = access(path, R_OK) ? ERR_IO : seal_key_load(&p->key, path);
    if (err)
        buf_printf(complaint, "there is no master key in %s, which opens the storage's keys", path);
    return err;
}

int places_new(struct places **out, const struct place_options *options, const char *spool,
               struct buf *complaint)
{
    struct places *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    int err;
    if (options->to) {
        err = choose_folder(p, options->to, complaint);
    } else {
        err = load_config(p, options->config, spool, complaint);
        if (!err)
            err = load_key(p, complaint);
    }
    if (err && !complaint->len)
        buf_put_str(complaint, err_text(err));
    if (err) {
        places_free(p);
        return err;
    }
    *out = p;
    return OK;
}

void places_free(struct places *p)
{
    if (!p)
        return;
    config_free(p->config);
    seal_key_wipe(&p->key);
    free(p->root);
    free(p->name);
    free(p);
}

int places_start(struct places *p, struct loop *control)
{
    p->control = control;
    return p->config ? outgoing_open(&p->outgoing, p->config, control) : OK;
}

void places_stop(struct places *p)
{
    if (p->config)
        outgoing_close(&p->outgoing);
}

int places_open(struct bucket **bucket, char **prefix, struct places *p,
                const struct spool_found *found)
{
    if (p->config) {
        const struct tasks_config config = { .config = p->config,
                                             .control = p->control,
                                             .own_stores = p->outgoing.own,
                                             .named_stores = p->outgoing.guarded,
                                             .key = &p->key };
        return found->meta_err ? found->meta_err
                               : storage_open(bucket, prefix, &config, &found->meta);
    }
    *prefix = str_dup(bytes_str(""));
    if (!*prefix)
        return ERR_NOMEM;
    int err = dir_bucket_new(bucket, p->control, p->root, p->name, true);
    if (err)
        free(*prefix);
    return err;
}
