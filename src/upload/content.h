/* The hashes that go with an object: SHA-256 for the signature, MD5 for the store's own check and
 * for its ETag. */
#ifndef UPLOAD_CONTENT_H
#define UPLOAD_CONTENT_H

#include "sign/digest.h"

#define MD5_SIZE 16

struct content {
    char sha256[SHA256_HEX_SIZE];
    uint8_t md5[MD5_SIZE];
};

/* ERR_CRYPTO. Any thread. */
int content_of(struct content *out, struct bytes bytes);

/* `len` bytes of the file from `offset` on; blocks. ERR_NOT_FOUND: it has fewer; ERR_IO (logged);
 * ERR_CRYPTO; ERR_NOMEM. Any thread. */
int content_of_file(struct content *out, int fd, uint64_t offset, uint64_t len);

/* MD5 alone. ERR_CRYPTO. */
int content_md5(uint8_t out[MD5_SIZE], struct bytes bytes);

#endif
