/* Inside dtls/: the BIO between OpenSSL and our callers. Unlike a memory BIO it keeps datagrams
 * apart. */
#ifndef DTLS_DATAGRAM_BIO_H
#define DTLS_DATAGRAM_BIO_H

#include <openssl/bio.h>

#include "dtls/dtls.h"

/* A DTLS record may be larger than the MTU only if OpenSSL ignored it; such datagrams are dropped.
 */
#define DATAGRAM_SIZE (DTLS_MTU + 64)

struct datagram_io {
    struct bytes input; /* the datagram being fed; empty once read */
    struct {
        size_t len;
        uint8_t bytes[DATAGRAM_SIZE];
    } slot[DTLS_OUTPUT_SLOTS];
    size_t first, count;
};

/* The kind of BIO; made once for an identity. NULL: out of memory. */
BIO_METHOD *datagram_bio_method(void);

/* A BIO over `io`, which outlives it. */
BIO *datagram_bio_new(const BIO_METHOD *method, struct datagram_io *io);

#endif
