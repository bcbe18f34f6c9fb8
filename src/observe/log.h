/* Structured log on stderr: text, or one JSON object a line. A logger is a small value that is
 * handed down with the object it speaks of, so each line carries its task, session or track: struct
 * log log = log_with(&parent, "task", task_id); log_warn(&log, "upload failed, retrying in %d s",
 * wait); The tags' texts are copied. Any thread. Per-packet matters are counters, never lines;
 * secrets, tokens and signed URLs never reach a line. */
#ifndef OBSERVE_LOG_H
#define OBSERVE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#define LOG_MAX_TAGS 4

struct log {
    struct {
        const char *key; /* a literal */
        char value[48];  /* longer values are cut */
    } tag[LOG_MAX_TAGS];
    int tags;
};

/* Once at start, before other threads; the default is text at LOG_INFO. */
void log_setup(enum log_level level, bool json);
bool log_enabled(enum log_level level);

/* A copy of `parent` (NULL: none) with one more tag; with the tags full the copy is unchanged. */
struct log log_with(const struct log *parent, const char *key, const char *value);

/* `log` may be NULL. Control characters in the message are escaped; lines above 2 KiB are cut. */
void log_write(const struct log *log, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(log, ...) log_write(log, LOG_ERROR, __VA_ARGS__)
#define log_warn(log, ...)  log_write(log, LOG_WARN, __VA_ARGS__)
#define log_info(log, ...)  log_write(log, LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...)                                                                        \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG))                                                                \
            log_write(log, LOG_DEBUG, __VA_ARGS__);                                                \
    } while (0)

#endif
