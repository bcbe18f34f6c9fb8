#include "api/stats.h"

#include <stdlib.h>
#include <string.h>

const char *const api_action_names[API_ACTIONS] = {
    [API_CREATE] = "CreateCloudRecording",
    [API_DESCRIBE] = "DescribeCloudRecording",
    [API_MODIFY] = "ModifyCloudRecording",
    [API_DELETE] = "DeleteCloudRecording",
    [API_OTHER] = "other",
};

static int action_of(const char *name)
{
    int i = 0;
    while (i < API_OTHER && strcmp(api_action_names[i], name) != 0)
        i++;
    return i;
}

/* NULL: out of memory. There are about forty codes, so few are searched. */
static struct api_count *count_of(struct api_stats *s, int action, const char *code)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->counts[i].action == action && strcmp(s->counts[i].code, code) == 0)
            return &s->counts[i];
    struct api_count *counts = realloc(s->counts, (s->count + 1) * sizeof *counts);
    if (!counts)
        return NULL;
    s->counts = counts;
    counts[s->count] = (struct api_count){ .action = action, .code = code };
    return &counts[s->count++];
}

void api_stats_add(struct api_stats *s, const char *action, const char *code, usec_t took)
{
    int known = action_of(action);
    struct api_count *count = count_of(s, known, code);
    if (count)
        count->requests++;
    durations_add(&s->took[known], took);
}

void api_stats_fini(struct api_stats *s)
{
    free(s->counts);
    s->counts = NULL;
    s->count = 0;
}
