#include "api/rate.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct bucket {
    char *name;
    double tokens;
    usec_t filled;
    usec_t second; /* start of the second that `count` counts */
    unsigned count;
    UT_hash_handle hh; /* rate.buckets, least recently used first */
};

struct rate {
    unsigned per_second, max_names;
    struct bucket *buckets;
};

struct rate *rate_new(unsigned per_second, unsigned max_names)
{
    struct rate *rate = calloc(1, sizeof *rate);
    if (!rate)
        return NULL;
    rate->per_second = per_second;
    rate->max_names = max_names;
    return rate;
}

static void drop(struct rate *rate, struct bucket *b)
{
    HASH_DEL(rate->buckets, b);
    free(b->name);
    free(b);
}

void rate_free(struct rate *rate)
{
    if (!rate)
        return;
    while (rate->buckets)
        drop(rate, rate->buckets);
    free(rate);
}

static struct bucket *add(struct rate *rate, const char *name, usec_t now)
{
    struct bucket *b = calloc(1, sizeof *b);
    char *copy = strdup(name);
    if (!b || !copy) {
        free(b);
        free(copy);
        return NULL;
    }
    if (HASH_COUNT(rate->buckets) >= rate->max_names)
        drop(rate, rate->buckets);
    *b = (struct bucket){ .name = copy, .tokens = rate->per_second, .filled = now, .second = now };
    return b;
}

/* The bucket, moved to the end of the list. */
static struct bucket *find(struct rate *rate, const char *name, usec_t now)
{
    struct bucket *b;
    HASH_FIND_STR(rate->buckets, name, b);
    if (b)
        HASH_DEL(rate->buckets, b);
    else
        b = add(rate, name, now);
    if (b)
        HASH_ADD_KEYPTR(hh, rate->buckets, b->name, strlen(b->name), b);
    return b;
}

static void refill(struct bucket *b, unsigned per_second, usec_t now)
{
    if (now > b->filled) {
        b->tokens += (double)(now - b->filled) * per_second / SEC;
        b->filled = now;
    }
    if (b->tokens > per_second)
        b->tokens = per_second;
    if (now - b->second >= SEC) {
        b->second = now;
        b->count = 0;
    }
    b->count++;
}

bool rate_take(struct rate *rate, const char *name, usec_t now, unsigned *count)
{
    struct bucket *b = find(rate, name, now);
    if (!b)
        return true;
    refill(b, rate->per_second, now);
    *count = b->count;
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}
