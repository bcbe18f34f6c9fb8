#include "ctl/create_params.h"

#include <stdlib.h>

#include "api/create.h"
#include "base/err.h"
#include "base/str.h"
#include "room/mapkey.h"
#include "room/usersig.h"

#define MAX_TICKET   (16u << 10)
#define ROBOT_PREFIX "recorder_"
#define FOLDER_KEY   "local" /* the API wants a text, a folder needs none */
#define ROBOT_RIGHTS (MAP_ENTER_ROOM | MAP_RECEIVE_AUDIO | MAP_RECEIVE_VIDEO | MAP_RECEIVE_AUX)

/* What is put together, for all steps below. The first complaint ends it. */
struct draft {
    const struct create_options *o;
    const struct account *account;
    json_t *root;
    usec_t wall_now;
    struct buf *complaint;
    uint32_t app;
    struct room_key room;
};

static bool complain(struct draft *d, const char *text)
{
    buf_put_str(d->complaint, text);
    return false;
}

static bool set(struct draft *d, json_t *object, const char *name, json_t *value)
{
    return !json_object_set_new(object, name, value) ||
           complain(d, "an option is no text in UTF-8");
}

static bool set_text(struct draft *d, json_t *object, const char *name, const char *value)
{
    return !value || set(d, object, name, json_string(value));
}

static bool set_number(struct draft *d, json_t *object, const char *name,
                       const struct option_number *n)
{
    return !n->given || set(d, object, name, json_integer((json_int_t)n->value));
}

static bool set_flag(struct draft *d, json_t *object, const char *name, bool flag, int value)
{
    return !flag || set(d, object, name, json_integer(value));
}

/* The object of that name, made when it is missing. Borrowed. */
static json_t *section(json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);
    if (!json_is_object(member))
        json_object_set_new(object, name, member = json_object());
    return member;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && *text ? text : NULL;
}

static bool read_base(struct draft *d)
{
    json_error_t error;
    const char *path = d->o->params;
    if (!path) {
        d->root = json_object();
        return d->root || complain(d, "out of memory");
    }
    d->root = strcmp(path, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
                                     : json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!d->root)
        buf_printf(d->complaint, "--params %s: line %d: %s", path, error.line, error.text);
    else if (!json_is_object(d->root))
        buf_printf(d->complaint, "--params %s holds no JSON object", path);
    return json_is_object(d->root);
}

static bool put_app(struct draft *d)
{
    json_int_t given = json_integer_value(json_object_get(d->root, "SdkAppId"));
    if (!d->o->account.app.given && given > 0 && given <= UINT32_MAX) {
        d->app = (uint32_t)given;
        return true;
    }
    return account_app_id(d->account, &d->app, d->complaint) &&
           set(d, d->root, "SdkAppId", json_integer(d->app));
}

/* --- room and robot --- */

static bool put_room(struct draft *d)
{
    bool own = d->o->room || !json_object_get(d->root, "RoomIdType");
    if (!set_text(d, d->root, "RoomId", d->o->room))
        return false;
    if ((own || d->o->room_type.given) &&
        !set(d, d->root, "RoomIdType", json_integer((json_int_t)d->o->room_type.value)))
        return false;
    const char *room = text_of(d->root, "RoomId");
    if (!room)
        return complain(d, "--room is missing");
    bool number = json_integer_value(json_object_get(d->root, "RoomIdType")) == ROOM_ID_INT;
    if (room_id_parse(bytes_str(room), number ? ROOM_ID_INT : ROOM_ID_STRING, &d->room.id))
        return complain(d, number ? "--room: an integer room is a number from 1 to 4294967295"
                                  : "--room: 1 to 64 bytes of letters, digits and some signs");
    d->room.sdk_app_id = d->app;
    return true;
}

static bool put_robot(struct draft *d)
{
    char robot[USER_ID_MAX + sizeof ROBOT_PREFIX];
    const char *id = d->o->robot ? d->o->robot : text_of(d->root, "UserId");
    if (!id) {
        snprintf(robot, sizeof robot, ROBOT_PREFIX "%s", d->room.id.text);
        if (!user_id_valid(bytes_str(robot), false))
            return complain(d, "--robot is missing: recorder_ROOM is no user id with this room "
                               "(at most 32 letters, digits, '_' and '-')");
        id = robot;
    }
    return set(d, d->root, "UserId", json_string(id));
}

static bool mint_sig(struct draft *d, struct bytes key, const char *robot)
{
    struct buf ticket;
    buf_init(&ticket, MAX_TICKET);
    int err =
        usersig_mint(d->app, bytes_str(robot), key, d->wall_now, USERSIG_DEFAULT_LIFE, &ticket);
    bool good = !err && set_text(d, d->root, "UserSig", buf_str(&ticket));
    if (err)
        buf_printf(d->complaint, "no UserSig for --robot: %s", err_text(err));
    buf_fini(&ticket);
    return good;
}

static bool put_sig(struct draft *d)
{
    struct bytes key;
    if (d->o->user_sig)
        return set_text(d, d->root, "UserSig", d->o->user_sig);
    if (text_of(d->root, "UserSig"))
        return true;
    if (account_app_key(d->account, d->app, NULL, &key, d->complaint))
        return mint_sig(d, key, text_of(d->root, "UserId"));
    buf_put_str(d->complaint, ", or the robot's ticket with --user-sig");
    return false;
}

static bool mint_map_key(struct draft *d, struct bytes key, const char *robot)
{
    struct buf ticket;
    buf_init(&ticket, MAX_TICKET);
    int err = mapkey_mint(&d->room, bytes_str(robot), ROBOT_RIGHTS, key, d->wall_now,
                          (uint32_t)USERSIG_DEFAULT_LIFE, &ticket);
    bool good = !err && set_text(d, d->root, "PrivateMapKey", buf_str(&ticket));
    if (err)
        buf_printf(d->complaint, "no PrivateMapKey for --robot: %s", err_text(err));
    buf_fini(&ticket);
    return good;
}

static bool put_map_key(struct draft *d)
{
    const struct config_app *app = account_app(d->account, d->app);
    struct bytes key;
    if (d->o->private_map_key)
        return set_text(d, d->root, "PrivateMapKey", d->o->private_map_key);
    if (!app || !app->private_map_key || text_of(d->root, "PrivateMapKey"))
        return true;
    return account_app_key(d->account, d->app, NULL, &key, d->complaint) &&
           mint_map_key(d, key, text_of(d->root, "UserId"));
}

/* --- what --- */

/* "a,b" as a list; empty parts are left out. */
static json_t *split_list(const char *text, char separator)
{
    struct bytes part, rest = bytes_str(text);
    json_t *list = json_array();
    while (list && rest.len) {
        part = str_split(rest, separator, &rest);
        if (part.len &&
            json_array_append_new(list, json_stringn((const char *)part.ptr, part.len))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool put_users(struct draft *d, json_t *record)
{
    if (!d->o->users)
        return true;
    json_t *lists = section(record, "SubscribeStreamUserIds");
    return set(d, lists, "SubscribeAudioUserIds", split_list(d->o->users, ',')) &&
           set(d, lists, "SubscribeVideoUserIds", split_list(d->o->users, ','));
}

static bool put_record(struct draft *d)
{
    const struct create_options *o = d->o;
    json_t *record = section(d->root, "RecordParams");
    bool mode = o->mixed || !json_object_get(record, "RecordMode");
    if (o->audio_only && o->video_only)
        return complain(d, "--audio-only and --video-only leave nothing to record");
    return set_flag(d, record, "RecordMode", mode, o->mixed ? RECORD_MIXED : RECORD_SINGLE) &&
           set_flag(d, record, "StreamType", o->audio_only, STREAM_AUDIO) &&
           set_flag(d, record, "StreamType", o->video_only, STREAM_VIDEO) &&
           set_flag(d, record, "AvMerge", o->merge, 1) &&
           set_number(d, record, "MaxIdleTime", &o->idle) &&
           set_number(d, record, "OutputFormat", &o->format) &&
           set_number(d, record, "MediaId", &o->media) && put_users(d, record);
}

/* --- storage --- */

static const struct config_storage *storage_of(const struct config *config, const char *region)
{
    for (size_t i = 0; i < config->storage.count; i++)
        if (strcmp(config->storage.items[i].region, region) == 0)
            return &config->storage.items[i];
    return NULL;
}

static bool put_region(struct draft *d, json_t *storage)
{
    const struct config *config = d->account->config;
    if (d->o->region)
        return set_text(d, storage, "Region", d->o->region);
    if (text_of(storage, "Region"))
        return true;
    if (config->storage.count != 1)
        return complain(d, "--region is missing: the configuration has several storage entries");
    return set_text(d, storage, "Region", config->storage.items[0].region);
}

/* The option, what the file says, the environment, in this order. */
static const char *storage_key(const char *option, const json_t *storage, const char *name,
                               const char *variable)
{
    const char *text = option ? option : text_of(storage, name);
    if (!text)
        text = getenv(variable);
    return text && *text ? text : NULL;
}

static bool put_keys(struct draft *d, json_t *storage)
{
    const struct config_storage *known = storage_of(d->account->config, text_of(storage, "Region"));
    const char *access = storage_key(d->o->access_key, storage, "AccessKey", "AWS_ACCESS_KEY_ID");
    const char *secret =
        storage_key(d->o->secret_key, storage, "SecretKey", "AWS_SECRET_ACCESS_KEY");
    bool folder = known && known->dir && !d->o->endpoint_url;
    if (folder && !access)
        access = FOLDER_KEY;
    if (folder && !secret)
        secret = FOLDER_KEY;
    if (!access)
        return complain(d, "the bucket's access key is missing: AWS_ACCESS_KEY_ID in the "
                           "environment, or --access-key");
    if (!secret)
        return complain(d, "the bucket's secret key is missing: AWS_SECRET_ACCESS_KEY in the "
                           "environment, or --secret-key-storage");
    return set_text(d, storage, "AccessKey", access) && set_text(d, storage, "SecretKey", secret);
}

static bool put_storage(struct draft *d)
{
    const struct create_options *o = d->o;
    json_t *params = section(d->root, "StorageParams");
    if (json_object_get(params, "CloudVod"))
        return true;
    json_t *storage = section(params, "CloudStorage");
    bool vendor = o->vendor.given || !json_object_get(storage, "Vendor");
    int number = o->vendor.given ? (int)o->vendor.value : VENDOR_S3;
    if (!set_text(d, storage, "Bucket", o->bucket))
        return false;
    if (!text_of(storage, "Bucket"))
        return complain(d, "--bucket is missing");
    if (o->prefix && !set(d, storage, "FileNamePrefix", split_list(o->prefix, '/')))
        return false;
    return set_flag(d, storage, "Vendor", vendor, number) && put_region(d, storage) &&
           set_text(d, storage, "EndpointUrl", o->endpoint_url) && put_keys(d, storage);
}

json_t *create_params_from(const struct create_options *options, const struct account *account,
                           usec_t wall_now, struct buf *complaint)
{
    struct draft d = {
        .o = options, .account = account, .wall_now = wall_now, .complaint = complaint
    };
    if (read_base(&d) && put_app(&d) && put_room(&d) && put_robot(&d) && put_record(&d) &&
        put_storage(&d) && set_number(&d, d.root, "ResourceExpiredHour", &options->expire_hours) &&
        put_sig(&d) && put_map_key(&d))
        return d.root;
    json_decref(d.root);
    return NULL;
}
