/* Metrics as Prometheus reads them (text exposition format 0.0.4).
 *
 *   table: name, type, help, labels     what there is; constant
 *   scrape_*: one moment's values       collected from wherever they are counted
 *   scrape_print                        the page
 *
 * The parts count in numbers of their own (plain ones, or observe/counter.h) and know nothing of
 * this; whoever serves the page collects them. Label values come from lists in the code, never from
 * a peer, so that their number is bounded. One thread at a time. */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include "base/buf.h"
#include "observe/counter.h"

#define METRIC_LABELS 2

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_DURATIONS };

/* All texts are literals. Durations appear as a histogram in seconds. */
struct metric {
    const char *name;
    enum metric_type type;
    const char *help;
    const char *labels[METRIC_LABELS];
};

struct scrape;

/* `table` outlives it. NULL: out of memory. */
struct scrape *scrape_new(const struct metric *table, size_t count);
void scrape_free(struct scrape *s); /* NULL is fine */

/* The values of a metric's labels, as many as the table names, in its order. Copied, any text. */
struct metric_labels {
    const char *values[METRIC_LABELS];
};
#define LABELS(...) ((struct metric_labels){ { __VA_ARGS__ } })
#define NO_LABELS   ((struct metric_labels){ { NULL } })

/* Adds to the value with these labels, which begins at 0. `metric` is its place in the table. */
void scrape_add(struct scrape *s, unsigned metric, struct metric_labels labels, double value);
void scrape_durations(struct scrape *s, unsigned metric, struct metric_labels labels,
                      const struct durations *d);

/* Appends the page: metrics in the order of the table, values in the order in which they first
 * came; metrics without any are left out. ERR_NOMEM: now, or while values were added; ERR_LIMIT:
 * `out` is full. */
int scrape_print(const struct scrape *s, struct buf *out);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends the table as a reference in Markdown. */
void metrics_reference(const struct metric *table, size_t count, struct buf *out);

#endif
