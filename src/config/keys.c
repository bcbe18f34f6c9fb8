#include "config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/random.h"
#include "config/table.h"
#include "schema/yaml.h"

#define FIRST_APP_ID   1400000001u
#define APP_KEY_LEN    64
#define SECRET_ID_LEN  32
#define SECRET_KEY_LEN 32
#define MAX_KEYS_FILE  4096
#define KEYS_FILE_MODE 0600
#define DATA_DIR_MODE  0700

void secret_buf_fini(struct buf *b)
{
    if (b->ptr)
        OPENSSL_cleanse(b->ptr, b->size);
    buf_fini(b);
}

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        uint8_t block[4096];
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0)
            buf_put(out, block, (size_t)got);
        OPENSSL_cleanse(block, sizeof block);
        if (got <= 0 || out->err)
            return got < 0 ? ERR_IO : out->err;
    }
}

int text_file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    int err = read_all(fd, out);
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

/* mkdir -p; each folder that is made is for the owner alone. */
static int make_dirs(const char *path)
{
    char part[4096];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    for (char *p = part + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(part, DATA_DIR_MODE) && errno != EEXIST)
                return ERR_IO;
            *p = '/';
        }
    return mkdir(part, DATA_DIR_MODE) && errno != EEXIST ? ERR_IO : OK;
}

static void generate(struct buf *out)
{
    char app_key[APP_KEY_LEN + 1], id[SECRET_ID_LEN + 1], key[SECRET_KEY_LEN + 1];
    random_name(app_key, APP_KEY_LEN);
    random_name(id, SECRET_ID_LEN);
    random_name(key, SECRET_KEY_LEN);
    buf_printf(out,
               "# Generated at the first start. Keep it secret.\n"
               "apps:\n"
               "  - sdk_app_id: %u\n"
               "    key: \"%s\"\n"
               "credentials:\n"
               "  - secret_id: \"AKID%s\"\n"
               "    secret_key: \"%s\"\n",
               FIRST_APP_ID, app_key, id, key);
    OPENSSL_cleanse(app_key, sizeof app_key);
    OPENSSL_cleanse(key, sizeof key);
}

static int write_all(int fd, struct bytes text)
{
    while (text.len) {
        ssize_t put = write(fd, text.ptr, text.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return ERR_IO;
        text = bytes_of(text.ptr + put, text.len - (size_t)put);
    }
    return fsync(fd) ? ERR_IO : OK;
}

static int write_new(const char *path, struct bytes text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, KEYS_FILE_MODE);
    if (fd < 0)
        return ERR_IO;
    int err = write_all(fd, text);
    return close(fd) ? ERR_IO : err;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    int err = fsync(fd) ? ERR_IO : OK;
    close(fd);
    return err;
}

/* Whole and synced under another name first; link() then refuses to replace. ERR_EXISTS: somebody
 * was faster. */
static int create(const char *dir, const char *path)
{
    char part[4200], name[9];
    struct buf text;
    random_name(name, sizeof name - 1);
    snprintf(part, sizeof part, "%s.%s.part", path, name);
    buf_init(&text, MAX_KEYS_FILE);
    generate(&text);
    int err = text.err ? text.err : write_new(part, buf_bytes(&text));
    secret_buf_fini(&text);
    if (!err && link(part, path))
        err = errno == EEXIST ? ERR_EXISTS : ERR_IO;
    int saved = errno;
    unlink(part);
    errno = saved;
    return err ? err : sync_dir(dir);
}

static void report(void *ctx, const struct schema_error *e)
{
    complain_at(ctx, e->line, e->path, "wanted %s", *e->wanted ? e->wanted : "no such key");
}

static int parse_keys(struct config *config, struct bytes text, struct complaints *c)
{
    struct value *root;
    struct value_error error;
    struct config_keys keys;
    struct complaints mine = { .name = config->keys_file, .out = c->out };
    int err = value_from_yaml(&root, text, &error);
    if (err) {
        if (err != ERR_NOMEM)
            complain_at(&mine, error.line, "", "%s", error.message);
        return err == ERR_LIMIT ? ERR_MALFORMED : err;
    }
    struct schema_sink sink = { report, &mine, SCHEMA_BRACKETS };
    err = schema_read(&config_keys_schema, &keys, root, &sink);
    value_free(root);
    if (err)
        return err;
    if (!mine.count && (!keys.apps.count || !keys.credentials.count))
        complain(&mine, "", "one app and one credential are needed");
    if (mine.count) {
        schema_free(&config_keys_schema, &keys);
        return ERR_MALFORMED;
    }
    memcpy(&config->apps, &keys.apps, sizeof keys.apps);
    memcpy(&config->credentials, &keys.credentials, sizeof keys.credentials);
    return OK;
}

static int read_keys(struct config *config, struct complaints *c)
{
    struct buf text;
    buf_init(&text, MAX_KEYS_FILE);
    int err = text_file_read(config->keys_file, &text);
    if (!err)
        err = parse_keys(config, buf_bytes(&text), c);
    else if (err != ERR_NOT_FOUND && err != ERR_NOMEM)
        complain_at(c, 0, config->keys_file, "cannot be read: %s",
                    err == ERR_LIMIT ? "too large" : strerror(errno));
    secret_buf_fini(&text);
    return err == ERR_LIMIT ? ERR_MALFORMED : err;
}

static int create_keys(struct config *config, struct complaints *c)
{
    int err = make_dirs(config->data);
    if (!err)
        err = create(config->data, config->keys_file);
    if (err == ERR_IO)
        complain_at(c, 0, config->keys_file, "cannot be made: %s", strerror(errno));
    config->keys_generated = !err;
    return err == ERR_EXISTS ? OK : err;
}

int keys_load(struct config *config, struct complaints *c)
{
    if (asprintf(&config->keys_file, "%s/keys.yaml", config->data) < 0) {
        config->keys_file = NULL;
        return ERR_NOMEM;
    }
    int err = read_keys(config, c);
    if (err != ERR_NOT_FOUND)
        return err;
    err = create_keys(config, c);
    return err ? err : read_keys(config, c);
}
