#include "task/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "io/file.h"
#include "upload/dir_bucket.h"
#include "upload/s3_bucket.h"
#include "upload/s3_place.h"

#define MAX_ENDPOINT 4096

/* Either a folder or an object store. */
struct place {
    const char *dir;
    char *endpoint; /* owned */
    bool path_style;
    const char *signing_region;
    bool named; /* by the caller, not by the configuration */
};

static const struct config_storage *configured(const struct config *config, const char *region)
{
    for (size_t i = 0; i < config->storage.count; i++)
        if (strcmp(config->storage.items[i].region, region) == 0)
            return &config->storage.items[i];
    return NULL;
}

/* HTTPS unless http:// is written. */
static int endpoint_of_request(struct buf *out, const char *endpoint)
{
    buf_printf(out, "%s%s", strstr(endpoint, "://") ? "" : "https://", endpoint);
    return out->err;
}

static int endpoint_of_vendor(struct buf *out, const struct place_wanted *w)
{
    return w->vendor == VENDOR_COS ? s3_endpoint_cos(out, w->region)
                                   : s3_endpoint_aws(out, w->region);
}

static int find_elsewhere(struct place *out, const struct place_wanted *w)
{
    struct buf endpoint;
    buf_init(&endpoint, MAX_ENDPOINT);
    int err = w->endpoint ? endpoint_of_request(&endpoint, w->endpoint)
                          : endpoint_of_vendor(&endpoint, w);
    if (err) {
        buf_fini(&endpoint);
        return err;
    }
    /* The vendors' certificates do not cover a bucket's name with a dot in front of their host. */
    *out = (struct place){ .endpoint = buf_detach(&endpoint),
                           .path_style = w->endpoint || strchr(w->bucket, '.'),
                           .signing_region = w->region,
                           .named = true };
    return out->endpoint ? OK : ERR_NOMEM;
}

/* ERR_MALFORMED: the region is none of the vendor's. */
static int find(struct place *out, const struct config *config, const struct place_wanted *w)
{
    const struct config_storage *entry = w->endpoint ? NULL : configured(config, w->region);
    if (!entry)
        return find_elsewhere(out, w);
    *out = (struct place){ .dir = entry->dir,
                           .endpoint = entry->endpoint ? strdup(entry->endpoint) : NULL,
                           .path_style = entry->path_style,
                           .signing_region =
                               entry->signing_region ? entry->signing_region : entry->region };
    return out->dir || out->endpoint ? OK : ERR_NOMEM;
}

/* --- at Create --- */

static bool app_may(const struct config_storage *entry, uint32_t sdk_app_id)
{
    for (size_t i = 0; entry && i < entry->apps.count; i++) {
        uint64_t id;
        if (str_to_u64(bytes_str(entry->apps.items[i]), UINT32_MAX, &id) && id == sdk_app_id)
            return true;
    }
    return !entry || entry->apps.count == 0;
}

static bool refuse(struct api_problem *problem, const char *code, const char *detail)
{
    api_problem_set(problem, code, "StorageParams.CloudStorage.%s", detail);
    return false;
}

static bool folder_ok(const char *bucket, struct api_problem *problem)
{
    return file_name_ok(bucket) ||
           refuse(problem, API_OUT_OF_RANGE, "Bucket must be usable as a folder's name");
}

static bool store_ok(const struct place *place, const char *bucket, struct api_problem *problem)
{
    struct s3_place s3;
    if (!s3_bucket_name_ok(bucket))
        return refuse(problem, API_OUT_OF_RANGE,
                      "Bucket must be an S3 bucket's name: 3 to 63 of a-z, 0-9, `.` and `-`");
    if (s3_place_init(&s3, place->endpoint, bucket, place->path_style))
        return refuse(problem, API_OUT_OF_RANGE,
                      "EndpointUrl must be a host or an http or https URL");
    s3_place_fini(&s3);
    return true;
}

bool place_ok(const struct config *config, uint32_t sdk_app_id, const struct place_wanted *wanted,
              struct api_problem *problem)
{
    struct place place;
    if (!wanted->endpoint && !app_may(configured(config, wanted->region), sdk_app_id))
        return refuse(problem, API_UNSUPPORTED_OPERATION,
                      "Region names a storage that this application may not use");
    if (find(&place, config, wanted))
        return refuse(problem, API_OUT_OF_RANGE,
                      "Region names neither a storage of this server nor a region of the vendor");
    bool good =
        place.dir ? folder_ok(wanted->bucket, problem) : store_ok(&place, wanted->bucket, problem);
    free(place.endpoint);
    return good;
}

/* --- the bucket --- */

int place_open(struct bucket **out, const struct tasks_config *config,
               const struct place_wanted *wanted, const char *access_key, const char *secret_key)
{
    struct place place;
    int err = find(&place, config->config, wanted);
    if (err)
        return err;
    if (place.dir)
        return dir_bucket_new(out, config->control, place.dir, wanted->bucket, true);
    const struct s3_bucket_config s3 = {
        .control = config->control,
        .client = place.named ? config->named_stores : config->own_stores,
        .endpoint = place.endpoint,
        .path_style = place.path_style,
        .region = place.signing_region,
        .name = wanted->bucket,
        .access_key = access_key,
        .secret_key = secret_key,
        .multipart_from = config->config->outgoing.multipart_from_mib << 20,
        .part_size = config->config->outgoing.part_mib << 20,
    };
    err = access_key && secret_key ? s3_bucket_new(out, &s3) : ERR_AUTH;
    free(place.endpoint);
    return err;
}
