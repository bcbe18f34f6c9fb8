#include "observe/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

#define LARGEST_WHOLE 9007199254740992.0 /* 2^53: every whole number below is exact */

/* One value, or one histogram, with its labels. */
struct sample {
    struct link in_metric;
    char *labels[METRIC_LABELS];
    double value;
    uint64_t buckets[DURATION_BOUNDS + 1]; /* each its own */
    uint64_t sum;
};

struct scrape {
    const struct metric *table;
    size_t count;
    int err;
    struct list samples[]; /* struct sample, by .in_metric; one list for each metric */
};

struct scrape *scrape_new(const struct metric *table, size_t count)
{
    struct scrape *s = calloc(1, sizeof *s + count * sizeof *s->samples);
    if (!s)
        return NULL;
    s->table = table;
    s->count = count;
    for (size_t i = 0; i < count; i++)
        list_init(&s->samples[i]);
    return s;
}

static void sample_free(struct sample *sample)
{
    for (int i = 0; i < METRIC_LABELS; i++)
        free(sample->labels[i]);
    free(sample);
}

void scrape_free(struct scrape *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        list_each(sample, &s->samples[i], struct sample, in_metric)
        {
            list_remove(&sample->in_metric);
            sample_free(sample);
        }
    free(s);
}

/* --- collecting --- */

static bool same_labels(const struct sample *sample, const struct metric_labels *labels)
{
    for (int i = 0; i < METRIC_LABELS; i++)
        if (sample->labels[i] && strcmp(sample->labels[i], labels->values[i]) != 0)
            return false;
    return true;
}

static struct sample *sample_new(const struct metric_labels *labels)
{
    struct sample *sample = calloc(1, sizeof *sample);
    if (!sample)
        return NULL;
    link_init(&sample->in_metric);
    for (int i = 0; i < METRIC_LABELS && labels->values[i]; i++) {
        sample->labels[i] = str_dup(bytes_str(labels->values[i]));
        if (!sample->labels[i]) {
            sample_free(sample);
            return NULL;
        }
    }
    return sample;
}

static struct sample *sample_get(struct scrape *s, unsigned metric,
                                 const struct metric_labels *labels)
{
    assert(metric < s->count);
    for (int i = 0; i < METRIC_LABELS; i++)
        assert(!s->table[metric].labels[i] == !labels->values[i]);
    list_each(sample, &s->samples[metric], struct sample,
              in_metric) if (same_labels(sample, labels)) return sample;
    struct sample *sample = sample_new(labels);
    if (sample)
        list_append(&s->samples[metric], &sample->in_metric);
    else
        s->err = ERR_NOMEM;
    return sample;
}

void scrape_add(struct scrape *s, unsigned metric, struct metric_labels labels, double value)
{
    struct sample *sample = sample_get(s, metric, &labels);
    assert(s->table[metric].type != METRIC_DURATIONS);
    if (sample)
        sample->value += value;
}

void scrape_durations(struct scrape *s, unsigned metric, struct metric_labels labels,
                      const struct durations *d)
{
    struct sample *sample = sample_get(s, metric, &labels);
    assert(s->table[metric].type == METRIC_DURATIONS);
    if (!sample)
        return;
    for (int i = 0; i <= DURATION_BOUNDS; i++)
        sample->buckets[i] += counter_get(&d->buckets[i]);
    sample->sum += counter_get(&d->sum);
}

/* --- printing --- */

static void put_number(struct buf *out, double value)
{
    if (isnan(value))
        buf_put_str(out, "NaN");
    else if (isinf(value))
        buf_put_str(out, value > 0 ? "+Inf" : "-Inf");
    else if (value == floor(value) && fabs(value) < LARGEST_WHOLE)
        buf_printf(out, "%.0f", value);
    else
        buf_printf(out, "%.15g", value);
}

/* Backslash and line feed are escaped everywhere, the quote in label values only. */
static void put_escaped(struct buf *out, const char *text, bool quoted)
{
    for (; *text; text++) {
        if (*text == '\n')
            buf_put_str(out, "\\n");
        else if (*text == '\\' || (quoted && *text == '"'))
            buf_printf(out, "\\%c", *text);
        else
            buf_put_u8(out, (uint8_t)*text);
    }
}

static void put_label(struct buf *out, bool *any, const char *name, const char *value)
{
    buf_printf(out, "%s%s=\"", *any ? "," : "{", name);
    put_escaped(out, value, true);
    buf_put_str(out, "\"");
    *any = true;
}

/* A line's name and labels, up to its value; `le` NULL: none. */
static void put_head(struct buf *out, const struct metric *m, const char *suffix,
                     const struct sample *sample, const char *le)
{
    bool any = false;
    buf_printf(out, "%s%s", m->name, suffix);
    for (int i = 0; i < METRIC_LABELS && m->labels[i]; i++)
        put_label(out, &any, m->labels[i], sample->labels[i]);
    if (le)
        put_label(out, &any, "le", le);
    buf_put_str(out, any ? "} " : " ");
}

static void put_histogram(struct buf *out, const struct metric *m, const struct sample *sample)
{
    uint64_t total = 0;
    for (int i = 0; i <= DURATION_BOUNDS; i++) {
        char le[32] = "+Inf";
        if (i < DURATION_BOUNDS)
            snprintf(le, sizeof le, "%.15g", (double)duration_bounds[i] / SEC);
        total += sample->buckets[i];
        put_head(out, m, "_bucket", sample, le);
        buf_printf(out, "%llu\n", (unsigned long long)total);
    }
    put_head(out, m, "_sum", sample, NULL);
    put_number(out, (double)sample->sum / SEC);
    buf_put_str(out, "\n");
    put_head(out, m, "_count", sample, NULL);
    buf_printf(out, "%llu\n", (unsigned long long)total);
}

static const char *type_text(enum metric_type type)
{
    static const char *const texts[] = { "counter", "gauge", "histogram" };
    return texts[type];
}

static void put_metric(struct buf *out, const struct metric *m, const struct list *samples)
{
    buf_printf(out, "# HELP %s ", m->name);
    put_escaped(out, m->help, false);
    buf_printf(out, "\n# TYPE %s %s\n", m->name, type_text(m->type));
    list_each(sample, samples, struct sample, in_metric)
    {
        if (m->type == METRIC_DURATIONS) {
            put_histogram(out, m, sample);
            continue;
        }
        put_head(out, m, "", sample, NULL);
        put_number(out, sample->value);
        buf_put_str(out, "\n");
    }
}

int scrape_print(const struct scrape *s, struct buf *out)
{
    for (size_t i = 0; i < s->count; i++)
        if (!list_empty(&s->samples[i]))
            put_metric(out, &s->table[i], &s->samples[i]);
    return s->err ? s->err : out->err;
}

void metrics_reference(const struct metric *table, size_t count, struct buf *out)
{
    buf_put_str(out, "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const struct metric *m = &table[i];
        buf_printf(out, "| `%s` | %s | ", m->name, type_text(m->type));
        for (int l = 0; l < METRIC_LABELS && m->labels[l]; l++)
            buf_printf(out, "%s`%s`", l ? ", " : "", m->labels[l]);
        buf_printf(out, " | %s |\n", m->help);
    }
}
