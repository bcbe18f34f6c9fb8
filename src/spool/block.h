/* Blocks of memory on their way to the disk, from one pool with a bound. Any thread. */
#ifndef SPOOL_BLOCK_H
#define SPOOL_BLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

/* What queues hold: a block of data, or a struct op (spool/disk.h). */
struct item {
    struct link in_queue;
    enum {
        ITEM_BLOCK,
        ITEM_NOTES,
        ITEM_BEGIN,
        ITEM_FINISH,
        ITEM_ABANDON,
        ITEM_PUT,
        ITEM_CLOSE
    } kind;
};

/* Moves all of `from` to the end of `to`. */
void items_move(struct list *to, struct list *from);

#define BLOCK_SIZE (16u << 10)

struct block {
    struct item item; /* ITEM_BLOCK, ITEM_NOTES */
    size_t len;       /* bytes used */
    uint8_t data[BLOCK_SIZE];
};

struct block_pool {
    size_t limit;         /* bytes lent at once */
    _Atomic size_t lent;  /* bytes; written under lock, read by anyone */
    pthread_mutex_t lock; /* a leaf lock */
    struct list free;     /* struct block, by .item.in_queue; under lock */
    size_t free_count;    /* under lock */
};

void block_pool_init(struct block_pool *pool, size_t limit);
void block_pool_fini(struct block_pool *pool); /* all blocks are back */

/* Appends `count` empty blocks to `out`, or none. ERR_LIMIT, ERR_NOMEM. */
int block_take(struct block_pool *pool, size_t count, struct list *out);

/* One empty block, beyond the bound when it must be. NULL: out of memory. */
struct block *block_take_over(struct block_pool *pool);

/* Takes back all blocks of the list. */
void block_give(struct block_pool *pool, struct list *blocks);

#endif
