/* Intrusive doubly linked lists. A list says what it links, a link says where it hangs:
 *     struct list tracks;      // struct track, by .in_session
 *     struct link in_session;  // session.tracks
 * A link that hangs nowhere points to itself (after link_init or list_remove), so removing twice is
 * harmless. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};

struct list {
    struct link head;
};

static inline void link_init(struct link *l)
{
    l->prev = l->next = l;
}

static inline void list_init(struct list *list)
{
    link_init(&list->head);
}

static inline bool list_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool link_linked(const struct link *l)
{
    return l->next && l->next != l;
}

static inline void list_insert_before(struct link *place, struct link *l)
{
    l->prev = place->prev;
    l->next = place;
    place->prev->next = l;
    place->prev = l;
}

static inline void list_append(struct list *list, struct link *l)
{
    list_insert_before(&list->head, l);
}

static inline void list_prepend(struct list *list, struct link *l)
{
    list_insert_before(list->head.next, l);
}

static inline void list_remove(struct link *l)
{
    if (!l->next)
        return;
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}

/* The object that holds the link. */
#define list_item(l, type, member) ((type *)((char *)(l)-offsetof(type, member)))

/* The first or last object, NULL when the list is empty. */
#define list_first(list, type, member)                                                             \
    (list_empty(list) ? NULL : list_item((list)->head.next, type, member))
#define list_last(list, type, member)                                                              \
    (list_empty(list) ? NULL : list_item((list)->head.prev, type, member))

/* Walks the list; the current object may be removed and freed inside. */
#define list_each(it, list, type, member)                                                          \
    for (struct link *it##_l = (list)->head.next, *it##_n = it##_l->next; it##_l != &(list)->head; \
         it##_l = it##_n, it##_n = it##_l->next)                                                   \
        for (type *it = list_item(it##_l, type, member); it; it = NULL)

#endif
