/* What is due when: a binary heap of moments that live in their owners. */
#ifndef CALLBACK_DUE_H
#define CALLBACK_DUE_H

#include <stdbool.h>

#include "base/clock.h"

struct due_entry {
    usec_t at;
    size_t place; /* in the heap, from 1; 0: not in it */
};

struct due {
    struct due_entry **entries;
    size_t count, size;
};

void due_init(struct due *due);
void due_fini(struct due *due);

/* Makes room for `count` entries in all, so that due_put cannot fail. False: out of memory. */
bool due_reserve(struct due *due, size_t count);

/* There is room (due_reserve), and the entry is not in the heap. */
void due_put(struct due *due, struct due_entry *entry, usec_t at);
void due_remove(struct due *due, struct due_entry *entry); /* fine when it is not in the heap */

/* The earliest; NULL when there is none. */
struct due_entry *due_first(const struct due *due);

#endif
