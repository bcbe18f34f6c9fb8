/* Calls of the cloud API, signed as the SDKs sign (TC3-HMAC-SHA256 over a JSON POST), one after the
 * other over one connection. Blocks; one thread. Proxies of the environment are not looked at. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "base/clock.h"
#include "ctl/account.h"
#include "ctl/answer.h"

#define CLIENT_ACTION_TIME (15 * SEC) /* the service itself answers within 6 s (api.md 1) */

struct client;

/* `account` outlives it. ERR_MALFORMED: something is missing, `complaint` says what. ERR_NOMEM. */
int client_open(struct client **out, const struct account *account, struct buf *complaint);
void client_close(struct client *client); /* NULL is fine */

/* One call; `params` is borrowed. OK: there is an answer, maybe an error of the API; `out` wants
 * answer_fini. ERR_IO: there is none, `complaint` says why. ERR_NOMEM, ERR_CRYPTO. */
int client_call(struct client *client, const char *action, const json_t *params, struct answer *out,
                struct buf *complaint);

#endif
