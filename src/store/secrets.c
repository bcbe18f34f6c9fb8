#include "store/secrets.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

static bool is_secret(const char *name)
{
    static const char *const names[] = { "UserSig", "PrivateMapKey", "AccessKey", "SecretKey" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static json_t *take(json_t *value);

/* Hangs `taken` (owned; NULL: nothing) under `name`; the mirror is made when first needed. */
static void note(json_t **mirror, const char *name, json_t *taken)
{
    if (!taken)
        return;
    if (!*mirror)
        *mirror = json_object();
    json_object_set_new(*mirror, name, taken);
}

static json_t *take_from_object(json_t *object)
{
    json_t *mirror = NULL, *value;
    const char *name;
    void *next;
    json_object_foreach_safe(object, next, name, value)
    {
        if (is_secret(name)) {
            note(&mirror, name, json_incref(value));
            json_object_del(object, name);
        } else {
            note(&mirror, name, take(value));
        }
    }
    return mirror;
}

static json_t *take_from_array(json_t *array)
{
    json_t *mirror = NULL, *value;
    size_t i;
    json_array_foreach(array, i, value)
    {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        note(&mirror, name, take(value));
    }
    return mirror;
}

/* Removes the secrets below `value`; gives an object that holds them at the same places (array
 * indexes become names). */
static json_t *take(json_t *value)
{
    if (json_is_object(value))
        return take_from_object(value);
    return json_is_array(value) ? take_from_array(value) : NULL;
}

static json_t *child(json_t *value, const char *name)
{
    if (json_is_array(value))
        return json_array_get(value, strtoul(name, NULL, 10));
    return json_object_get(value, name);
}

static int put_back(json_t *value, json_t *mirror)
{
    const char *name;
    json_t *secret;
    int err = json_is_object(mirror) ? OK : ERR_MALFORMED;
    json_object_foreach(mirror, name, secret)
    {
        if (err)
            break;
        if (is_secret(name))
            err = json_object_set(value, name, secret) ? ERR_MALFORMED : OK;
        else
            err = put_back(child(value, name), secret);
    }
    return err;
}

static int put(const char *text, size_t len, void *out)
{
    buf_put(out, text, len);
    return ((struct buf *)out)->err ? -1 : 0;
}

static int print(struct buf *out, const json_t *value)
{
    if (json_dump_callback(value, put, out, JSON_COMPACT) == 0)
        return OK;
    return out->err ? out->err : ERR_NOMEM;
}

static json_t *parse(struct bytes text)
{
    json_t *value = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (value && json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

int secrets_split(struct buf *clean, struct buf *secrets, struct bytes params)
{
    json_t *value = parse(params);
    if (!value)
        return ERR_MALFORMED;
    json_t *mirror = take(value);
    int err = print(clean, value);
    if (!err && mirror)
        err = print(secrets, mirror);
    json_decref(mirror);
    json_decref(value);
    return err;
}

int secrets_join(struct buf *params, struct bytes clean, struct bytes secrets)
{
    json_t *value = parse(clean);
    json_t *mirror = secrets.len ? parse(secrets) : NULL;
    int err = value && (mirror || !secrets.len) ? OK : ERR_MALFORMED;
    if (!err && mirror)
        err = put_back(value, mirror);
    if (!err)
        err = print(params, value);
    json_decref(mirror);
    json_decref(value);
    return err;
}
