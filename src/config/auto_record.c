/* The rules of apps[].auto_record that a table cannot say. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/check.h"

enum { HLS = 1, MP4 = 2, AAC = 4 };

static int format_bit(const char *name)
{
    return strcmp(name, "hls") == 0   ? HLS
           : strcmp(name, "mp4") == 0 ? MP4
           : strcmp(name, "aac") == 0 ? AAC
                                      : 0;
}

int config_output_format(const struct schema_strings *formats)
{
    static const int numbers[] = { -1, 0, 3, 1, 4, 2, -1, -1 }; /* by the set */
    int set = 0;
    for (size_t i = 0; i < formats->count; i++) {
        int bit = format_bit(formats->items[i]);
        if (!bit)
            return -1;
        set |= bit;
    }
    return numbers[set];
}

static bool has_aac(const struct config_auto_record *a)
{
    for (size_t i = 0; i < a->formats.count; i++)
        if (format_bit(a->formats.items[i]) == AAC)
            return true;
    return false;
}

static bool app_may(const struct config_storage *s, uint64_t sdk_app_id)
{
    uint64_t id;
    for (size_t i = 0; i < s->apps.count; i++)
        if (str_to_u64(bytes_str(s->apps.items[i]), UINT32_MAX, &id) && id == sdk_app_id)
            return true;
    return s->apps.count == 0;
}

static const struct config_storage *storage_of(const struct config *config, const char *region)
{
    for (size_t i = 0; i < config->storage.count; i++)
        if (strcmp(config->storage.items[i].region, region) == 0)
            return &config->storage.items[i];
    return NULL;
}

__attribute__((format(printf, 4, 5))) static void
complain_about(struct complaints *c, size_t app, const char *key, const char *fmt, ...)
{
    char path[64], text[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    snprintf(path, sizeof path, "apps[%zu].auto_record.%s", app, key);
    complain(c, path, "%s", text);
}

static void check_storage(const struct config *config, size_t app, struct complaints *c)
{
    const struct config_auto_record *a = config->apps.items[app].auto_record;
    const struct config_storage *s = storage_of(config, a->region);
    if (!s)
        complain_about(c, app, "region", "no entry of storage has this region");
    else if (!app_may(s, config->apps.items[app].sdk_app_id))
        complain_about(c, app, "region", "this application may not use that entry of storage");
    else if (s->endpoint && !a->access_key)
        complain_about(c, app, "access_key", "needed, as the entry of storage has an endpoint");
    else if (s->endpoint && !a->secret_key)
        complain_about(c, app, "secret_key", "needed, as the entry of storage has an endpoint");
}

void check_auto_record(const struct config *config, struct complaints *c)
{
    for (size_t i = 0; i < config->apps.count; i++) {
        const struct config_auto_record *a = config->apps.items[i].auto_record;
        if (!a)
            continue;
        if (config_output_format(&a->formats) < 0)
            complain_about(c, i, "formats", "wanted hls, mp4, aac, or hls with one of the others");
        else if (has_aac(a) && a->type != CONFIG_AUTO_AUDIO)
            complain_about(c, i, "formats", "aac is for type audio alone");
        check_storage(config, i, c);
    }
}
