#include "ctl/text.h"

#include <stdlib.h>

#define MAX_TIME 253402300799u /* the end of the year 9999 */

/* C0, DEL, and C1 as UTF-8 (0xC2 0x80 to 0x9F). */
static bool is_control(const char *p)
{
    unsigned char c = (unsigned char)p[0], next = (unsigned char)p[1];
    return c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0);
}

void text_put_printable(const char *text, struct buf *out)
{
    for (const char *p = text; *p; p++) {
        if (is_control(p)) {
            buf_put_u8(out, '?');
            p += (unsigned char)*p == 0xc2;
        } else {
            buf_put_u8(out, (uint8_t)*p);
        }
    }
}

void text_put_time(uint64_t unix_seconds, struct buf *out)
{
    char iso[25];
    if (unix_seconds > MAX_TIME) {
        buf_put_str(out, "never");
        return;
    }
    clock_format_rfc3339((usec_t)unix_seconds * SEC, iso);
    buf_printf(out, "%.10s %.8s UTC", iso, iso + 11);
}

void text_put_duration(uint64_t seconds, struct buf *out)
{
    unsigned long long s = seconds;
    if (s >= 172800)
        buf_printf(out, "%llu days", s / 86400);
    else if (s >= 3600)
        buf_printf(out, "%llu h %02llu min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        buf_printf(out, "%llu min %02llu s", s / 60, s % 60);
    else
        buf_printf(out, "%llu s", s);
}

void text_put_size(uint64_t bytes, struct buf *out)
{
    static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
    if (bytes < 1000) {
        buf_printf(out, "%u B", (unsigned)bytes);
        return;
    }
    double value = (double)bytes / 1000;
    size_t unit = 0;
    for (; value >= 999.95 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1000;
    buf_printf(out, "%.1f %s", value, units[unit]);
}

void text_put_files(uint64_t files, uint64_t bytes, struct buf *out)
{
    buf_printf(out, "%llu %s, ", (unsigned long long)files, files == 1 ? "file" : "files");
    text_put_size(bytes, out);
}

void text_put_json(const json_t *value, struct buf *out)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_put_str(out, text ? text : "null");
    buf_put_u8(out, '\n');
    free(text);
}
