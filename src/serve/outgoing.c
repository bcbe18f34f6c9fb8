#include "serve/outgoing.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "config/config.h"
#include "observe/log.h"
#include "upload/uploader.h"

int outgoing_open(struct outgoing *out, const struct config *config, struct loop *control)
{
    const char *ca_file = config->outgoing.ca_file;
    const struct schema_strings *allow = &config->outgoing.allow;
    if (ca_file && access(ca_file, R_OK)) {
        log_error(NULL, "cannot read %s: %s", ca_file, strerror(errno));
        return ERR_IO;
    }
    int err = address_policy_init(&out->policy, (const char *const *)allow->items, allow->count);
    if (err)
        return err;

    /* Many buckets may share a host; the uploader bounds what is under way. */
    struct http_client_settings settings = { .per_host = UPLOAD_LIMITS_DEFAULT.total_jobs,
                                             .total = 2 * UPLOAD_LIMITS_DEFAULT.total_jobs,
                                             .ca_file = ca_file };
    err = http_client_new(&out->own, control, &settings);
    settings.allow = address_policy_allow;
    settings.allow_ctx = &out->policy;
    return err ? err : http_client_new(&out->guarded, control, &settings);
}

void outgoing_close(struct outgoing *outgoing)
{
    http_client_free(outgoing->own);
    http_client_free(outgoing->guarded);
    address_policy_fini(&outgoing->policy);
    *outgoing = (struct outgoing){ 0 };
}
