/* A small S3 store for tests: objects in memory, multipart uploads, hashes checked, and a script of
 * misbehaviour. It keeps count of what it was sent. Signatures are looked at for their form only;
 * that they are right is for the vectors and the real store to say. */
#ifndef S3_STUB_H
#define S3_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

struct s3_stub;

enum stub_op {
    STUB_PUT,
    STUB_INITIATE,
    STUB_PART,
    STUB_COMPLETE,
    STUB_ABORT,
    STUB_HEAD,
    STUB_LIST, /* of uploads, or of an upload's parts, two at a time */
    STUB_OPS
};

enum stub_fault {
    STUB_SLOW_DOWN,   /* 503 */
    STUB_INTERNAL,    /* 500 without a body */
    STUB_DENIED,      /* 403 AccessDenied */
    STUB_WRONG_KEY,   /* 403 SignatureDoesNotMatch */
    STUB_NO_BUCKET,   /* 404 */
    STUB_BAD_REQUEST, /* 400 InvalidRequest */
    STUB_NO_UPLOAD,   /* 404 NoSuchUpload */
    STUB_ELSEWHERE,   /* 301 PermanentRedirect to eu-west-1 */
    STUB_RESET,       /* in the middle of the body */
    STUB_STALL,       /* no answer, the connection stays */
    STUB_LOST,        /* does it, but the answer is lost */
    STUB_WRONG_ETAG,  /* does it, but gives another ETag */
    STUB_OTHER_ETAG,  /* gives an ETag that is no MD5, as encryption does */
    STUB_ERROR_200,   /* 200 with an error as body */
    STUB_NO_WORD,     /* 200 with a body that says nothing */
    STUB_HUGE,        /* 200 with an endless body */
};

struct s3_stub *stub_new(SSL_CTX *tls); /* NULL: plain */
void stub_free(struct s3_stub *s);

const char *stub_endpoint(struct s3_stub *s); /* borrowed */

/* The next `times` requests of this kind after `skip` good ones fail so. Replaces what was said of
 * this kind before. */
void stub_fail(struct s3_stub *s, enum stub_op op, enum stub_fault fault, unsigned skip,
               unsigned times);

/* The store's clock runs so many seconds ahead; it refuses signatures 15 minutes off. */
void stub_set_clock(struct s3_stub *s, long ahead_s);

/* What was counted so far. */
struct stub_counts {
    unsigned requests[STUB_OPS];
    uint64_t bytes[STUB_OPS]; /* of bodies that came whole */
    unsigned cut;             /* bodies that did not, */
    uint64_t cut_bytes;       /* and what was read of them */
    unsigned uploads;         /* multipart uploads that are open now */
    unsigned connections, most_open;
    unsigned broken; /* requests that broke a rule: hashes, headers, part numbers; must be 0 */
    char why[128];   /* the last of them */
};

struct stub_counts stub_counts(struct s3_stub *s);

/* An object's content, to free(), and its content type; NULL: there is none. `path`: with the
 * bucket. */
char *stub_object(struct s3_stub *s, const char *path, size_t *len, char type[64]);

#endif
