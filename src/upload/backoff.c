#include "upload/backoff.h"

usec_t backoff_pause(unsigned failures, uint32_t random)
{
    usec_t top = BACKOFF_MAX;
    if (failures < 10) /* 2^10 s is above the maximum */
        top = BACKOFF_MIN << failures;
    if (top > BACKOFF_MAX)
        top = BACKOFF_MAX;
    return top / 2 + (usec_t)random % (top / 2 + 1);
}
