#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static usec_t now(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (usec_t)ts.tv_sec * SEC + ts.tv_nsec / 1000;
}

usec_t clock_mono(void)
{
    return now(CLOCK_MONOTONIC);
}

usec_t clock_wall(void)
{
    return now(CLOCK_REALTIME);
}

static usec_t server_offset;

static void set_server_offset(void)
{
    server_offset = clock_wall() - clock_mono();
}

usec_t clock_server(usec_t mono)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_server_offset);
    return mono + server_offset;
}

/* Splits Unix microseconds into UTC calendar fields and milliseconds. */
static int split(usec_t wall, struct tm *tm)
{
    usec_t ms = wall / 1000;
    time_t s = (time_t)(ms / 1000);
    gmtime_r(&s, tm);
    return (int)(ms % 1000);
}

void clock_format_utc17(usec_t wall, char out[18])
{
    struct tm tm;
    int ms = split(wall, &tm);
    snprintf(out, 18, "%04u%02u%02u%02u%02u%02u%03u", (unsigned)(tm.tm_year + 1900) % 10000u,
             (unsigned)(tm.tm_mon + 1) % 100u, (unsigned)tm.tm_mday % 100u,
             (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u,
             (unsigned)ms % 1000u);
}

void clock_format_rfc3339(usec_t wall, char out[25])
{
    struct tm tm;
    int ms = split(wall, &tm);
    snprintf(out, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000u,
             (unsigned)(tm.tm_mon + 1) % 100u, (unsigned)tm.tm_mday % 100u,
             (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u,
             (unsigned)ms % 1000u);
}
