#include "serve/health.h"

bool health_stalled(const struct named_loop *loops, size_t count, usec_t now, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (now - loop_pulse(loops[i].loop) < HEALTH_STALL)
            continue;
        buf_printf(out, "%s%s", any ? ", " : "", loops[i].name);
        any = true;
    }
    return any;
}
