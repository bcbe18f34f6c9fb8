#include "room/ticket.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/str.h"

#define MAX_SECONDS ((uint64_t)1 << 40) /* keeps every sum far from overflow */
#define SIG_SIZE    32

void ticket_init(struct ticket *t)
{
    *t = (struct ticket){ 0 };
    buf_init(&t->identifier, 1024);
    buf_init(&t->userbuf, 4096);
    buf_init(&t->sig, 256);
}

void ticket_fini(struct ticket *t)
{
    buf_fini(&t->identifier);
    buf_fini(&t->userbuf);
    buf_fini(&t->sig);
}

/* The whole of `in` must be one zlib stream of at most TICKET_MAX_JSON bytes. */
static int inflate_all(struct bytes in, struct buf *out)
{
    z_stream z = { .next_in = (Bytef *)in.ptr, .avail_in = (uInt)in.len };
    uint8_t *room = buf_extend(out, TICKET_MAX_JSON);
    if (!room || inflateInit(&z) != Z_OK)
        return ERR_NOMEM;
    z.next_out = room;
    z.avail_out = TICKET_MAX_JSON;
    int result = inflate(&z, Z_FINISH);
    bool whole = result == Z_STREAM_END && z.avail_in == 0;
    out->len = z.total_out;
    inflateEnd(&z);
    if (whole)
        return OK;
    return result == Z_BUF_ERROR && z.avail_out == 0 ? ERR_LIMIT : ERR_MALFORMED;
}

static int unpack(struct bytes text, struct buf *json)
{
    struct buf packed;
    buf_init(&packed, TICKET_MAX_TEXT);
    int err = base64_decode(&packed, text, BASE64_USERSIG);
    if (!err)
        err = inflate_all(buf_bytes(&packed), json);
    buf_fini(&packed);
    return err;
}

static bool get_number(const json_t *object, const char *key, uint64_t max, uint64_t *out)
{
    const json_t *v = json_object_get(object, key);
    if (json_is_string(v))
        return str_to_u64(bytes_of(json_string_value(v), json_string_length(v)), max, out);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool get_text(const json_t *object, const char *key, struct buf *out)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_string(v))
        return false;
    buf_put(out, json_string_value(v), json_string_length(v));
    return out->err == OK;
}

static int read_json(struct ticket *t, const json_t *object)
{
    const char *version = json_string_value(json_object_get(object, "TLS.ver"));
    bool good = version && strcmp(version, "2.0") == 0 &&
                get_text(object, "TLS.identifier", &t->identifier) &&
                get_number(object, "TLS.sdkappid", UINT32_MAX, &t->sdk_app_id) &&
                get_number(object, "TLS.time", MAX_SECONDS, &t->time) &&
                get_number(object, "TLS.expire", MAX_SECONDS, &t->expire) &&
                get_text(object, "TLS.sig", &t->sig);
    if (good && json_object_get(object, "TLS.userbuf"))
        good = get_text(object, "TLS.userbuf", &t->userbuf) && t->userbuf.len > 0;
    return good ? OK : ERR_MALFORMED;
}

int ticket_open(struct ticket *t, struct bytes text)
{
    if (text.len > TICKET_MAX_TEXT)
        return ERR_LIMIT;
    struct buf json;
    buf_init(&json, TICKET_MAX_JSON);
    int err = unpack(text, &json);
    if (!err) {
        json_t *object = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
        err = object ? read_json(t, object) : ERR_MALFORMED;
        json_decref(object);
    }
    buf_fini(&json);
    return err;
}

static int sign(const struct ticket *t, struct bytes key, uint8_t sig[SIG_SIZE])
{
    struct buf text;
    buf_init(&text, TICKET_MAX_JSON);
    buf_printf(&text,
               "TLS.identifier:%s\nTLS.sdkappid:%" PRIu64 "\nTLS.time:%" PRIu64
               "\nTLS.expire:%" PRIu64 "\n",
               buf_str(&t->identifier), t->sdk_app_id, t->time, t->expire);
    if (t->userbuf.len)
        buf_printf(&text, "TLS.userbuf:%s\n", buf_str(&t->userbuf));
    int err = text.err;
    unsigned len = 0;
    if (!err && !HMAC(EVP_sha256(), key.ptr, (int)key.len, text.ptr, text.len, sig, &len))
        err = ERR_CRYPTO;
    buf_fini(&text);
    return err;
}

static int check_signature(const struct ticket *t, struct bytes key)
{
    uint8_t want[SIG_SIZE];
    int err = sign(t, key, want);
    if (err)
        return err;
    struct buf got;
    buf_init(&got, 256);
    if (base64_decode(&got, buf_bytes(&t->sig), BASE64_STANDARD) ||
        !bytes_equal_secret(buf_bytes(&got), bytes_of(want, sizeof want)))
        err = ERR_AUTH;
    buf_fini(&got);
    return err;
}

int ticket_check(const struct ticket *t, uint32_t sdk_app_id, struct bytes user, struct bytes key,
                 usec_t wall_now)
{
    if (t->sdk_app_id != sdk_app_id || !bytes_equal(buf_bytes(&t->identifier), user))
        return ERR_AUTH;
    int err = check_signature(t, key);
    if (err)
        return err;
    uint64_t now = wall_now > 0 ? (uint64_t)(wall_now / SEC) : 0;
    if (t->time > now + TICKET_MAX_FUTURE)
        return ERR_AUTH;
    return now > t->time + t->expire ? ERR_EXPIRED : OK;
}

/* The keys in the order in which the published libraries write them; readers must not rely on it.
 */
static char *write_json(const struct ticket *t, const char *sig)
{
    json_t *object = json_object();
    int bad = json_object_set_new(object, "TLS.ver", json_string("2.0"));
    bad |= json_object_set_new(object, "TLS.identifier", json_string(buf_str(&t->identifier)));
    bad |= json_object_set_new(object, "TLS.sdkappid", json_integer((json_int_t)t->sdk_app_id));
    bad |= json_object_set_new(object, "TLS.expire", json_integer((json_int_t)t->expire));
    bad |= json_object_set_new(object, "TLS.time", json_integer((json_int_t)t->time));
    if (t->userbuf.len)
        bad |= json_object_set_new(object, "TLS.userbuf", json_string(buf_str(&t->userbuf)));
    bad |= json_object_set_new(object, "TLS.sig", json_string(sig));
    char *text = bad ? NULL : json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(object);
    return text;
}

static int pack(const char *json, struct buf *out)
{
    uLongf size = compressBound(strlen(json));
    uint8_t *packed = malloc(size);
    if (!packed)
        return ERR_NOMEM;
    int err =
        compress2(packed, &size, (const Bytef *)json, strlen(json), Z_BEST_COMPRESSION) == Z_OK
            ? OK
            : ERR_NOMEM;
    if (!err) {
        base64_encode(out, bytes_of(packed, size), BASE64_USERSIG);
        err = out->err;
    }
    free(packed);
    return err;
}

int ticket_seal(const struct ticket *t, struct bytes key, struct buf *out)
{
    uint8_t sig[SIG_SIZE];
    int err = t->identifier.err ? t->identifier.err : sign(t, key, sig);
    if (err)
        return err;
    struct buf sig64;
    buf_init(&sig64, 64);
    base64_encode(&sig64, bytes_of(sig, sizeof sig), BASE64_STANDARD);
    char *json = sig64.err ? NULL : write_json(t, buf_str(&sig64));
    err = json ? pack(json, out) : ERR_MALFORMED;
    free(json);
    buf_fini(&sig64);
    return err;
}
