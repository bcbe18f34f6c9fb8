/* What a join costs the control loop: a room of up to 300 users, one task whose lists are full (32
 * prefixes for each medium), every user entering and then every other one coming again. Printed are
 * the mean and the longest time of one step, with the lists asked once for everybody, as a task
 * does, and once for each user, as it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "recorder/recording.h"
#include "recorder/subscribe.h"

#define USERS   300
#define ENTRIES 32

struct output {
    int unused;
};

static struct output output;
static char entry_text[ENTRIES][24];
static const char *entries[ENTRIES];
static bool one_by_one;

static void select_users(void *ctx, enum media_kind kind, const char *const *users, size_t count,
                         bool *wanted)
{
    const struct user_ids list = { entries, ENTRIES }, present = { users, count };
    (void)ctx;
    (void)kind;
    bool answer[USERS + 1];
    if (!one_by_one) {
        subscribe_select(list, (struct user_ids){ 0 }, present, wanted);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        subscribe_select(list, (struct user_ids){ 0 }, present, answer);
        wanted[i] = answer[i];
    }
}

static struct output *open_output(void *ctx, const char *user, enum names_media media,
                                  enum recording_form form, enum names_type type)
{
    (void)ctx;
    (void)user;
    (void)media;
    (void)form;
    (void)type;
    return &output;
}

static void point(void *ctx, struct output *o, const struct recording_source *source)
{
    (void)ctx;
    (void)o;
    (void)source;
}

static void end(void *ctx, struct output *o)
{
    (void)ctx;
    (void)o;
}

static const struct recording_ops ops = { select_users, open_output, point, end };

static void timed(struct recording *r, unsigned user, bool enters, usec_t *sum, usec_t *longest)
{
    char name[24];
    snprintf(name, sizeof name, "someone-of-the-room-%u", user);
    const struct recording_stream stream = { name, NAMES_MAIN, user + 1, true, true };
    usec_t start = clock_mono();
    if (!enters)
        recording_unpublish(r, user + 1);
    else if (recording_publish(r, &stream))
        abort();
    usec_t took = clock_mono() - start;
    *sum += took;
    *longest = took > *longest ? took : *longest;
}

static void run(const char *name)
{
    const struct recording_config config = { .takes = { { true, true }, { true, true } },
                                             .forms = { [RECORDING_HLS] = true },
                                             .max_anchors = 25 };
    struct recording *r = recording_new(&config, &ops, NULL);
    usec_t sum = 0, longest = 0;
    unsigned steps = 0;
    if (!r)
        abort();
    for (unsigned i = 0; i < USERS; i++, steps++)
        timed(r, i, true, &sum, &longest);
    for (unsigned i = 0; i < USERS; i += 2, steps += 2) {
        timed(r, i, false, &sum, &longest);
        timed(r, i, true, &sum, &longest);
    }
    printf("%-24s %8.1f us a step, longest %7.1f us\n", name, (double)sum / steps, (double)longest);
    recording_free(r);
}

int main(void)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        snprintf(entry_text[i], sizeof entry_text[i], "someone-of-the-%c.*$", 'a' + (int)i % 26);
        entries[i] = entry_text[i];
    }
    run("lists asked once");
    one_by_one = true;
    run("lists asked per user");
    return 0;
}
