#include "upload/content.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/err.h"
#include "observe/log.h"

#define PIECE (256u << 10)

struct hashes {
    EVP_MD_CTX *sha256, *md5;
};

static bool hashes_init(struct hashes *h)
{
    *h = (struct hashes){ EVP_MD_CTX_new(), EVP_MD_CTX_new() };
    return h->sha256 && h->md5 && EVP_DigestInit_ex(h->sha256, EVP_sha256(), NULL) == 1 &&
           EVP_DigestInit_ex(h->md5, EVP_md5(), NULL) == 1;
}

static void hashes_fini(struct hashes *h)
{
    EVP_MD_CTX_free(h->sha256);
    EVP_MD_CTX_free(h->md5);
}

static int hashes_put(struct hashes *h, struct bytes bytes)
{
    bool good = EVP_DigestUpdate(h->sha256, bytes.ptr, bytes.len) == 1 &&
                EVP_DigestUpdate(h->md5, bytes.ptr, bytes.len) == 1;
    return good ? OK : ERR_CRYPTO;
}

static int hashes_end(struct hashes *h, struct content *out)
{
    struct content c;
    uint8_t sha[SHA256_SIZE];
    if (EVP_DigestFinal_ex(h->sha256, sha, NULL) != 1 ||
        EVP_DigestFinal_ex(h->md5, c.md5, NULL) != 1)
        return ERR_CRYPTO;
    hex_encode(c.sha256, bytes_of(sha, sizeof sha));
    *out = c;
    return OK;
}

static int put_file(struct hashes *h, int fd, uint64_t offset, uint64_t len, uint8_t *piece)
{
    int err = OK;
    while (len && !err) {
        ssize_t got = pread(fd, piece, len < PIECE ? (size_t)len : PIECE, (off_t)offset);
        if (got == 0)
            return ERR_NOT_FOUND;
        if (got < 0 && errno != EINTR) {
            log_error(NULL, "cannot read a file to upload: %s", strerror(errno));
            return ERR_IO;
        }
        if (got < 0)
            continue;
        err = hashes_put(h, bytes_of(piece, (size_t)got));
        offset += (uint64_t)got;
        len -= (uint64_t)got;
    }
    return err;
}

int content_of(struct content *out, struct bytes bytes)
{
    struct hashes h;
    int err = hashes_init(&h) ? hashes_put(&h, bytes) : ERR_CRYPTO;
    if (!err)
        err = hashes_end(&h, out);
    hashes_fini(&h);
    return err;
}

int content_of_file(struct content *out, int fd, uint64_t offset, uint64_t len)
{
    struct hashes h;
    uint8_t *piece = malloc(PIECE);
    int err = !piece ? ERR_NOMEM : OK;
    bool ready = hashes_init(&h);
    if (!err)
        err = ready ? put_file(&h, fd, offset, len, piece) : ERR_CRYPTO;
    if (!err)
        err = hashes_end(&h, out);
    hashes_fini(&h);
    free(piece);
    return err;
}

int content_md5(uint8_t out[MD5_SIZE], struct bytes bytes)
{
    return EVP_Digest(bytes.ptr, bytes.len, out, NULL, EVP_md5(), NULL) == 1 ? OK : ERR_CRYPTO;
}
