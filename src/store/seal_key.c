#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/random.h"
#include "observe/log.h"
#include "store/seal.h"

#define FILE_MAX 256

static struct bytes trim(struct bytes text)
{
    while (text.len && strchr(" \t\r\n", text.ptr[0]) && text.ptr[0])
        text = bytes_of(text.ptr + 1, text.len - 1);
    while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]) && text.ptr[text.len - 1])
        text.len--;
    return text;
}

int seal_key_parse(struct seal_key *out, struct bytes text)
{
    struct seal_key key;
    struct bytes hex = trim(text);
    if (hex_decode(key.secret, SEAL_KEY_SIZE, hex)) {
        *out = key;
        seal_key_wipe(&key);
        return OK;
    }
    if (text.len != SEAL_KEY_SIZE)
        return ERR_MALFORMED;
    memcpy(out->secret, text.ptr, SEAL_KEY_SIZE);
    return OK;
}

static int read_key(struct seal_key *out, int fd, const char *path)
{
    uint8_t text[FILE_MAX];
    ssize_t len = read(fd, text, sizeof text);
    if (len < 0) {
        log_error(NULL, "master key %s cannot be read: %s", path, strerror(errno));
        return ERR_IO;
    }
    int err = seal_key_parse(out, bytes_of(text, (size_t)len));
    OPENSSL_cleanse(text, sizeof text);
    if (err)
        log_error(NULL, "master key %s: needs 64 hex digits or 32 raw bytes", path);
    return err;
}

static void warn_if_open(int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & S_IRWXO))
        log_warn(NULL, "master key %s is accessible to every user: chmod 600", path);
}

static int load_existing(struct seal_key *out, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT)
            return ERR_NOT_FOUND;
        log_error(NULL, "master key %s cannot be opened: %s", path, strerror(errno));
        return ERR_IO;
    }
    warn_if_open(fd, path);
    int err = read_key(out, fd, path);
    close(fd);
    return err;
}

static bool write_new(const char *path)
{
    struct seal_key key;
    char hex[2 * SEAL_KEY_SIZE + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    random_bytes(key.secret, SEAL_KEY_SIZE);
    hex_encode(hex, bytes_of(key.secret, SEAL_KEY_SIZE));
    hex[sizeof hex - 1] = '\n';
    bool whole = write(fd, hex, sizeof hex) == (ssize_t)sizeof hex && fsync(fd) == 0;
    OPENSSL_cleanse(hex, sizeof hex);
    seal_key_wipe(&key);
    return close(fd) == 0 && whole;
}

static void sync_folder_of(const char *path)
{
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder] = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Written under another name and then linked: a crash leaves no half key, and of two daemons that
 * start together both go on with the same one. */
static int create(const char *path)
{
    char suffix[9], *fresh;
    random_name(suffix, 8);
    if (asprintf(&fresh, "%s.%s", path, suffix) < 0)
        return ERR_NOMEM;
    bool done = write_new(fresh) && (link(fresh, path) == 0 || errno == EEXIST);
    if (!done)
        log_error(NULL, "master key %s cannot be created: %s", path, strerror(errno));
    unlink(fresh);
    free(fresh);
    if (done) {
        sync_folder_of(path);
        log_info(NULL,
                 "master key %s created: keep a copy, stored secrets cannot be read without it",
                 path);
    }
    return done ? OK : ERR_IO;
}

int seal_key_load(struct seal_key *out, const char *path)
{
    int err = load_existing(out, path);
    if (err != ERR_NOT_FOUND)
        return err;
    err = create(path);
    return err ? err : load_existing(out, path);
}

int seal_key_env(struct seal_key *out, const char *variable)
{
    char *value = getenv(variable);
    if (!value)
        return ERR_NOT_FOUND;
    int err = seal_key_parse(out, bytes_str(value));
    if (err)
        log_error(NULL, "environment variable %s: needs 64 hex digits", variable);
    OPENSSL_cleanse(value, strlen(value));
    unsetenv(variable);
    return err;
}
