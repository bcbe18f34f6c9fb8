/* The daemon's configuration: one YAML file (or none), read by one table, checked once at start,
 * constant from then on. config_reference() prints the table. Load on one thread; afterwards any
 * thread may read. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/addr.h"
#include "observe/log.h"
#include "schema/schema.h"

/* Texts are NULL when not given, unless noted. */

/* Who hears of recordings, of rooms, or of media in them. */
struct config_receiver {
    char *url; /* NULL: nobody */
    char *key; /* NULL: no Sign */
    bool insecure_tls, strict;
    uint64_t max_hours, max_pause; /* of attempts after the first minute; max_pause in seconds */
    bool upload_errors, numeric_event_ts, leave_code_305; /* recordings only */
};

/* Numbered as the API's StreamType. */
enum config_auto_type { CONFIG_AUTO_AUDIO_VIDEO, CONFIG_AUTO_AUDIO, CONFIG_AUTO_VIDEO };

/* What Create would say, for rooms that are recorded by themselves (rooms.md 6). */
struct config_auto_record {
    int type;                      /* enum config_auto_type */
    struct schema_strings formats; /* config_output_format() knows them */
    uint64_t max_file_minutes;
    uint64_t resume_timeout;       /* seconds */
    char *region, *bucket;         /* never NULL; the region is that of an entry of storage */
    char *access_key, *secret_key; /* NULL: a folder */
    struct schema_strings prefix;
};

struct config_app {
    uint64_t sdk_app_id;                                  /* 32 bits, not 0 */
    char *key;                                            /* UserSig key; never NULL */
    struct config_receiver callback;                      /* event group 3 */
    struct config_receiver room_callback, media_callback; /* event groups 1 and 2 */
    struct config_auto_record *auto_record;               /* NULL: only what the API is asked for */
    bool private_map_key; /* advanced permission control: everybody needs a PrivateMapKey */
};

struct config_credential {
    char *secret_id, *secret_key;  /* never NULL */
    struct schema_strings apps;    /* SdkAppIds as text; empty: all */
    struct schema_strings actions; /* empty: all */
};

/* Exactly one of dir and endpoint is set. */
struct config_storage {
    char *region; /* never NULL */
    char *dir;
    char *endpoint;
    bool path_style;
    char *signing_region;       /* NULL: region */
    struct schema_strings apps; /* sdk_app_ids in decimal; empty: all */
};

struct config {
    char *data; /* never NULL */
    char *node; /* never NULL: this machine's name in a cluster */
    char *master_key_file;
    struct {
        char *listen;     /* never NULL; parses by addr_parse_hostport() */
        char *public_url; /* never NULL, without a slash at its end */
        struct {
            char *cert, *key; /* PEM files: both or none */
        } tls;
        char *path_prefix;            /* NULL: the API is at "/" alone; begins with a slash */
        uint64_t requests_per_second; /* of one secret id for one action; 0: no limit */
        uint64_t requests_per_second_key, requests_per_second_region, requests_per_second_address;
        bool strict_parameters, refuse_replays;
        bool metrics; /* /metrics is served */
    } api;
    struct {
        char *listen; /* never NULL; parses by addr_parse() */
        uint64_t port, loops;
        struct schema_strings advertise; /* addresses; at least one */
    } media;
    SCHEMA_LIST(struct config_app) apps;               /* at least one */
    SCHEMA_LIST(struct config_credential) credentials; /* at least one */
    SCHEMA_LIST(struct config_storage) storage;        /* at least one */
    struct {
        struct schema_strings allow; /* networks; each parses by network_parse() */
        char *ca_file;
        uint64_t multipart_from_mib, part_mib;
    } outgoing;
    struct schema_strings regions; /* at least one */
    struct {
        int level;  /* enum log_level */
        int format; /* enum config_log_format */
    } log;
    struct {
        uint64_t tasks_per_app, rooms, sessions, sessions_per_room;
        uint64_t start_keys_per_app, undelivered_hours, disk_reserve_mib;
    } limits;
    struct {
        uint64_t segment_seconds, max_idle; /* seconds */
    } record;

    /* Not from the file. */
    bool keys_generated; /* apps and credentials were made by this start: show them once */
    char *keys_file;     /* where generated keys are kept; NULL when the file names its own */
};

enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };

/* Reads `file`; NULL: all defaults. Without apps and credentials of its own it uses those in
 * `<data>/keys.yaml`, which are generated at the first start (the data folder too is made then);
 * see config/keys.h. What is wrong is appended to `complaints`, a line each: "reeltime.yaml:12:
 * apps[0].callback.url: ...". ERR_MALFORMED: complaints were made. ERR_IO: a file cannot be read or
 * made (a complaint too). ERR_NOMEM, ERR_CRYPTO. */
int config_load(struct config **out, const char *file, struct buf *complaints);

/* The same from a text, without touching the disk: no keys are generated or read, apps and
 * credentials may be absent. `name` is what complaints call it. */
int config_parse(struct config **out, const char *name, struct bytes text, struct buf *complaints);

/* Wipes the secrets. NULL is fine. */
void config_free(struct config *config);

/* The API's OutputFormat (api.md 9.1) for a set of "hls", "mp4", "aac"; -1: there is none. */
int config_output_format(const struct schema_strings *formats);

/* Appends the reference of all keys. */
void config_reference(struct buf *out);

#endif
