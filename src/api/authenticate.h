/* Who sends a request: the signature over it (api.md 3). Pure. Inside api/ only. */
#ifndef API_AUTHENTICATE_H
#define API_AUTHENTICATE_H

#include "api/envelope.h"
#include "base/clock.h"

#define SECRET_ID_SIZE 129

struct key_source {
    const char *(*secret_key)(void *ctx, const char *secret_id);
    void *ctx;
};

/* What is known of an authenticated request. */
struct signer {
    char secret_id[SECRET_ID_SIZE];
    uint64_t timestamp; /* Unix seconds, within the window */
    uint64_t nonce;     /* of the older signatures */
};

/* True: the request, whose common parameters are complete, is signed by `out`. */
bool authenticate(const struct envelope *envelope, const struct http_request *request,
                  usec_t wall_now, struct key_source keys, struct signer *out,
                  struct api_problem *problem);

#endif
