/* Who calls, and where: endpoint, credentials, application and its keys, from options, a
 * configuration file, the environment, or the keys that the daemon generated.
 *
 * Each is looked for in this order:
 *   1. its option
 *   2. the file of --config (a daemon's configuration, or its keys.yaml)
 *   3. the environment: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, REELTIME_APP_KEY
 *   4. ./reeltime-data/keys.yaml
 * A file is only read: no keys are generated. One thread. */
#ifndef CTL_ACCOUNT_H
#define CTL_ACCOUNT_H

#include "config/config.h"
#include "ctl/options.h"

/* What the commands that call the service share. */
struct account_options {
    const char *config, *endpoint, *secret_id, *secret_key, *api_region, *ca_file;
    struct option_number app;
    bool json;
};

/* For a struct whose first member is a struct account_options. */
extern const struct option_row account_rows[];
#define ACCOUNT_ROWS 8
#define ACCOUNT_GROUP                                                                              \
    {                                                                                              \
        "Where and who", account_rows, ACCOUNT_ROWS                                                \
    }

struct account {
    struct config *config; /* never NULL; without a file it holds the defaults alone */
    bool explicit_config;  /* it was named by --config */
    const struct account_options *options;
    const char *once; /* key of a start that is to happen once (api.h); NULL: none. Borrowed */
};

/* ERR_MALFORMED, ERR_IO: a file that cannot be used, `complaint` says why (lines). ERR_NOMEM,
 * ERR_CRYPTO. `options` outlives the account. */
int account_open(struct account *out, const struct account_options *options, struct buf *complaint);
void account_close(struct account *account); /* wipes; zeroed is fine */

/* The rest is borrowed from options, environment and configuration. Those that give false have
 * appended a line that says what is missing and which option gives it. */

struct credentials {
    const char *id, *key;
};

bool account_credentials(const struct account *account, struct credentials *out,
                         struct buf *complaint);

/* The application's number: --app, or the only one of the configuration. */
bool account_app_id(const struct account *account, uint32_t *out, struct buf *complaint);

/* Its entry in the configuration; NULL: there is none. */
const struct config_app *account_app(const struct account *account, uint64_t sdk_app_id);

/* The key that signs its UserSig; `option` is what its option says, NULL without. */
bool account_app_key(const struct account *account, uint32_t sdk_app_id, const char *option,
                     struct bytes *out, struct buf *complaint);

/* Of the service: "http://127.0.0.1:9000", without a slash at its end. */
bool account_endpoint(const struct account *account, struct buf *out, struct buf *complaint);
const char *account_api_region(const struct account *account);

#endif
