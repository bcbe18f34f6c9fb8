/* What the files of whip/ share. */
#ifndef WHIP_INTERNAL_H
#define WHIP_INTERNAL_H

#define HASH_NONFATAL_OOM 1 /* a failed HASH_ADD leaves .tbl NULL */
#include <uthash.h>

#include "whip/whip.h"

#define RESOURCE_ID_LEN 32 /* of 62 characters: 190 bits */
#define ETAG_LEN        16

/* A live session's address, and who may use it. */
struct resource {
    char id[RESOURCE_ID_LEN + 1];
    char etag[ETAG_LEN + 1];
    uint64_t session;
    uint32_t sdk_app_id;
    char user[USER_ID_MAX + 1];
    char ufrag[SDP_MAX_ICE + 1]; /* of the peer; another one in a PATCH is an ICE restart */
    UT_hash_handle hh;           /* whip.by_id */
    UT_hash_handle by_session;   /* whip.by_session */
};

struct whip {
    struct whip_settings settings;
    struct whip_ops ops;
    void *ctx;
    struct resource *by_id, *by_session;
};

/* One request on its way to its answer. */
struct exchange {
    struct whip *whip;
    const struct http_request *request;
    usec_t wall_now;
    struct http_answer *out;
};

/* reply.c: what every answer has, and errors. `detail` never holds anything the peer sent. */
void reply_cors(struct http_answer *out);
void reply_ok(struct http_answer *out, int status);
void reply_error(struct http_answer *out, int status, const char *detail);
void reply_bad_method(struct http_answer *out, const char *allow);

/* The bearer token; empty when there is none. */
struct bytes bearer_token(const struct http_request *request);

/* Content-Type is this one, whatever its parameters. */
bool has_content_type(const struct http_request *request, const char *type);

/* publish.c and resource.c: the two kinds of addresses. */
void publish_post(struct exchange *x, uint32_t sdk_app_id, struct bytes room);
void resource_patch(struct exchange *x, struct resource *r);
void resource_delete(struct exchange *x, struct resource *r);

/* resource.c: the table. resource_new gives one that is not in the table yet; NULL: no memory. */
struct resource *resource_new(void);
bool resource_add(struct whip *whip,
                  struct resource *r); /* false: no memory, the resource stays the caller's */
struct resource *resource_find(const struct whip *whip, struct bytes id);
void resource_remove(struct whip *whip, struct resource *r); /* and frees */

#endif
