#include "observe/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define LINE_LIMIT 2048

static enum log_level threshold = LOG_INFO;
static bool as_json;

void log_setup(enum log_level level, bool json)
{
    threshold = level;
    as_json = json;
}

bool log_enabled(enum log_level level)
{
    return level <= threshold;
}

struct log log_with(const struct log *parent, const char *key, const char *value)
{
    struct log log = { 0 };
    if (parent)
        log = *parent;
    if (log.tags < LOG_MAX_TAGS) {
        log.tag[log.tags].key = key;
        snprintf(log.tag[log.tags].value, sizeof log.tag[0].value, "%s", value);
        log.tags++;
    }
    return log;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    return names[level];
}

/* Escapes what would break a line or a JSON string; both forms use JSON's escapes. */
static void put_escaped(struct buf *line, const char *text, bool quotes)
{
    for (const uint8_t *p = (const uint8_t *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            buf_printf(line, "\\u%04x", *p);
        else if (quotes && (*p == '"' || *p == '\\'))
            buf_printf(line, "\\%c", *p);
        else
            buf_put_u8(line, *p);
    }
}

static void format_text(struct buf *line, const struct log *log, enum log_level level,
                        const char *time, const char *message)
{
    buf_printf(line, "%s %-5s ", time, level_name(level));
    put_escaped(line, message, false);
    for (int i = 0; log && i < log->tags; i++) {
        buf_printf(line, " %s=", log->tag[i].key);
        put_escaped(line, log->tag[i].value, false);
    }
}

static void format_json(struct buf *line, const struct log *log, enum log_level level,
                        const char *time, const char *message)
{
    buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"", time, level_name(level));
    put_escaped(line, message, true);
    buf_put_str(line, "\"");
    for (int i = 0; log && i < log->tags; i++) {
        buf_printf(line, ",\"%s\":\"", log->tag[i].key);
        put_escaped(line, log->tag[i].value, true);
        buf_put_str(line, "\"");
    }
    buf_put_str(line, "}");
}

void log_write(const struct log *log, enum log_level level, const char *fmt, ...)
{
    if (!log_enabled(level))
        return;

    char message[LINE_LIMIT], time[25];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    clock_format_rfc3339(clock_wall(), time);

    struct buf line;
    buf_init(&line, 8 * LINE_LIMIT);
    (as_json ? format_json : format_text)(&line, log, level, time, message);
    buf_put_str(&line, "\n");
    /* One write per line, so that lines of several threads do not mix. */
    ssize_t done = write(STDERR_FILENO, line.ptr ? (void *)line.ptr : "", line.len);
    (void)done;
    buf_fini(&line);
}
