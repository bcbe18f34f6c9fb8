/* Where a task's files go: as text that task.json keeps, and as a bucket. The text is JSON with the
 * API's names; the keys are sealed beside it, bound to the task. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "spool/spool.h"
#include "task/place.h"
#include "task/storage.h"
#include "task/task.h"

#define SEALED_LIMIT (16u << 10)
#define PREFIX_LIMIT 4096

static char *plain_text(const struct cloud_storage *s)
{
    json_t *prefix = json_array();
    for (size_t i = 0; i < s->prefix.count; i++)
        json_array_append_new(prefix, json_string(s->prefix.items[i]));
    json_t *o = json_pack("{s:I, s:s, s:s, s:o, s:s*}", "Vendor", (json_int_t)s->vendor, "Region",
                          s->region, "Bucket", s->bucket, "FileNamePrefix", prefix, "EndpointUrl",
                          s->endpoint);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

/* Appends the keys, sealed and as base64. */
static int seal_keys(struct buf *out, const struct cloud_storage *s, const char *task_id,
                     const struct seal_key *key)
{
    json_t *o = json_pack("{s:s, s:s}", "AccessKey", s->access_key, "SecretKey", s->secret_key);
    char *plain = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!plain)
        return ERR_NOMEM;
    struct buf sealed;
    buf_init(&sealed, SEALED_LIMIT);
    int err = seal_close(&sealed, key, bytes_str(plain), bytes_str(task_id));
    explicit_bzero(plain, strlen(plain));
    free(plain);
    if (!err)
        base64_encode(out, buf_bytes(&sealed), BASE64_STANDARD);
    buf_fini(&sealed);
    return err ? err : out->err;
}

int storage_describe(const struct cloud_storage *storage, const char *task_id,
                     const struct seal_key *key, char **text, char **sealed)
{
    struct buf keys;
    buf_init(&keys, 2 * SEALED_LIMIT);
    int err = seal_keys(&keys, storage, task_id, key);
    if (err) {
        buf_fini(&keys);
        return err;
    }
    char *plain = plain_text(storage), *secret = buf_detach(&keys);
    if (!plain || !secret) {
        free(plain);
        free(secret);
        return ERR_NOMEM;
    }
    *text = plain;
    *sealed = secret;
    return OK;
}

/* FileNamePrefix joined by '/'. */
static char *join_prefix(const json_t *parts)
{
    struct buf joined;
    buf_init(&joined, PREFIX_LIMIT);
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *part = json_string_value(json_array_get(parts, i));
        buf_printf(&joined, "%s%s", i ? "/" : "", part ? part : "");
    }
    return buf_detach(&joined);
}

/* The keys as JSON; NULL when the task has none. */
static int open_keys(json_t **out, const struct spool_meta *meta, const struct seal_key *key)
{
    *out = NULL;
    if (!meta->sealed)
        return OK;
    struct buf sealed, plain;
    buf_init(&sealed, SEALED_LIMIT);
    buf_init(&plain, SEALED_LIMIT);
    int err = base64_decode(&sealed, bytes_str(meta->sealed), BASE64_STANDARD);
    if (!err)
        err = seal_open(&plain, key, buf_bytes(&sealed), bytes_str(meta->task_id));
    if (!err) {
        *out = json_loads(buf_str(&plain), JSON_REJECT_DUPLICATES, NULL);
        err = *out ? OK : ERR_MALFORMED;
    }
    seal_wipe_buf(&plain);
    buf_fini(&sealed);
    return err;
}

static const char *text_of(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static int open_bucket(struct bucket **out, const struct tasks_config *config, const json_t *o,
                       const struct spool_meta *meta)
{
    const struct place_wanted wanted = {
        .vendor = (uint64_t)json_integer_value(json_object_get(o, "Vendor")),
        .region = text_of(o, "Region"),
        .bucket = text_of(o, "Bucket"),
        .endpoint = text_of(o, "EndpointUrl"),
    };
    json_t *keys;
    if (!wanted.region || !wanted.bucket)
        return ERR_MALFORMED;
    int err = open_keys(&keys, meta, config->key);
    if (!err)
        err = place_open(out, config, &wanted, text_of(keys, "AccessKey"),
                         text_of(keys, "SecretKey"));
    json_decref(keys);
    return err;
}

int storage_open(struct bucket **out, char **prefix, const struct tasks_config *config,
                 const struct spool_meta *meta)
{
    json_t *o = meta->storage ? json_loads(meta->storage, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!o)
        return ERR_MALFORMED;
    struct bucket *bucket = NULL;
    int err = open_bucket(&bucket, config, o, meta);
    char *joined = err ? NULL : join_prefix(json_object_get(o, "FileNamePrefix"));
    json_decref(o);
    if (err)
        return err;
    if (!joined) {
        bucket_free(bucket);
        return ERR_NOMEM;
    }
    *out = bucket;
    *prefix = joined;
    return OK;
}
