#include "store/event.h"

#include <stdlib.h>

struct event *event_new(void)
{
    struct event *event = calloc(1, sizeof *event);
    if (event)
        buf_init(&event->body, EVENT_MAX_BODY);
    return event;
}

void event_free(struct event *event)
{
    if (!event)
        return;
    buf_fini(&event->body);
    free(event);
}
