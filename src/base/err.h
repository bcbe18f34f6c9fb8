/* The project's errors. Functions that can fail for several reasons return one of these as an int,
 * 0 for success. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
    OK = 0,
    ERR_NOMEM = -1,       /* out of memory */
    ERR_MALFORMED = -2,   /* the input breaks its own format */
    ERR_LIMIT = -3,       /* a limit of ours is reached; the input may be fine */
    ERR_NOT_FOUND = -4,   /* no such thing */
    ERR_EXISTS = -5,      /* there already */
    ERR_AUTH = -6,        /* signature, ticket or tag does not verify */
    ERR_EXPIRED = -7,     /* was valid once */
    ERR_UNSUPPORTED = -8, /* understood, and not served here */
    ERR_BAD_STATE = -9,   /* not in this state */
    ERR_IO = -10,         /* the operating system refused; errno was logged where it happened */
    ERR_AGAIN = -11,      /* nothing to do now, try later */
    ERR_CRYPTO = -12,     /* the crypto library refused */
    ERR_REPLAY = -13,     /* seen before */
    ERR_RANGE = -14,      /* a value outside its range */
};

/* "out of memory", "malformed", ...: a short lower-case text for logs. Never NULL. */
const char *err_text(int err);

#endif
