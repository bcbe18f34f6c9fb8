#include "dtls/datagram_bio.h"

static int bio_write(BIO *bio, const char *data, int len)
{
    struct datagram_io *io = BIO_get_data(bio);
    if (io->count == DTLS_OUTPUT_SLOTS || len <= 0 || len > DATAGRAM_SIZE)
        return len; /* as if the network had lost it */
    size_t at = (io->first + io->count++) % DTLS_OUTPUT_SLOTS;
    memcpy(io->slot[at].bytes, data, (size_t)len);
    io->slot[at].len = (size_t)len;
    return len;
}

/* One datagram a read; what does not fit is cut off, as a socket does. */
static int bio_read(BIO *bio, char *out, int size)
{
    struct datagram_io *io = BIO_get_data(bio);
    size_t len = io->input.len;
    BIO_clear_retry_flags(bio);
    if (!len || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (len > (size_t)size)
        len = (size_t)size;
    memcpy(out, io->input.ptr, len);
    io->input = bytes_of(NULL, 0);
    return (int)len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return DTLS_MTU;
    }
    return 0;
}

BIO_METHOD *datagram_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
    if (!method)
        return NULL;
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
    return method;
}

BIO *datagram_bio_new(const BIO_METHOD *method, struct datagram_io *io)
{
    BIO *bio = BIO_new(method);
    if (!bio)
        return NULL;
    BIO_set_data(bio, io);
    BIO_set_init(bio, 1);
    return bio;
}
