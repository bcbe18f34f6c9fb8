#include "spool/block.h"

#include <stdlib.h>

#include "base/err.h"

/* Free blocks kept for reuse; a burst above goes back to the system. */
#define KEEP_FREE 1024

void items_move(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    struct link *first = from->head.next, *last = from->head.prev;
    first->prev = to->head.prev;
    to->head.prev->next = first;
    last->next = &to->head;
    to->head.prev = last;
    list_init(from);
}

void block_pool_init(struct block_pool *pool, size_t limit)
{
    *pool = (struct block_pool){ .limit = limit };
    pthread_mutex_init(&pool->lock, NULL);
    list_init(&pool->free);
}

static void free_all(struct list *blocks)
{
    list_each(b, blocks, struct block, item.in_queue)
    {
        list_remove(&b->item.in_queue);
        free(b);
    }
}

void block_pool_fini(struct block_pool *pool)
{
    free_all(&pool->free);
    pthread_mutex_destroy(&pool->lock);
}

static struct block *new_block(void)
{
    struct block *b = malloc(sizeof *b);
    if (b)
        link_init(&b->item.in_queue);
    return b;
}

/* Under lock. */
static struct block *take_one(struct block_pool *pool)
{
    struct block *b = list_first(&pool->free, struct block, item.in_queue);
    if (b) {
        list_remove(&b->item.in_queue);
        pool->free_count--;
    } else {
        b = new_block();
    }
    if (b) {
        b->item.kind = ITEM_BLOCK;
        b->len = 0;
    }
    return b;
}

static void set_lent(struct block_pool *pool, size_t lent)
{
    atomic_store_explicit(&pool->lent, lent, memory_order_relaxed);
}

int block_take(struct block_pool *pool, size_t count, struct list *out)
{
    int err = OK;
    struct list got;
    list_init(&got);
    pthread_mutex_lock(&pool->lock);
    size_t lent = atomic_load_explicit(&pool->lent, memory_order_relaxed);
    if (lent > pool->limit || count > (pool->limit - lent) / BLOCK_SIZE)
        err = ERR_LIMIT;
    for (size_t i = 0; i < count && !err; i++) {
        struct block *b = take_one(pool);
        if (!b) {
            err = ERR_NOMEM;
            break;
        }
        list_append(&got, &b->item.in_queue);
    }
    if (!err)
        set_lent(pool, lent + count * BLOCK_SIZE);
    pthread_mutex_unlock(&pool->lock);

    if (err)
        free_all(&got);
    else
        items_move(out, &got);
    return err;
}

struct block *block_take_over(struct block_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct block *b = take_one(pool);
    if (b)
        set_lent(pool, atomic_load_explicit(&pool->lent, memory_order_relaxed) + BLOCK_SIZE);
    pthread_mutex_unlock(&pool->lock);
    return b;
}

void block_give(struct block_pool *pool, struct list *blocks)
{
    pthread_mutex_lock(&pool->lock);
    size_t lent = atomic_load_explicit(&pool->lent, memory_order_relaxed);
    list_each(b, blocks, struct block, item.in_queue)
    {
        lent -= BLOCK_SIZE;
        if (pool->free_count < KEEP_FREE) {
            list_remove(&b->item.in_queue);
            list_prepend(&pool->free, &b->item.in_queue);
            pool->free_count++;
        }
    }
    set_lent(pool, lent);
    pthread_mutex_unlock(&pool->lock);
    free_all(blocks);
}
