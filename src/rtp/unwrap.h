/* Sequence numbers and time stamps that go on counting where the wire's 16 or 32 bits begin again:
 * the value nearest to `ref`, an earlier unwrapped value of the same stream. Exactly half a turn
 * away counts as behind. */
#ifndef RTP_UNWRAP_H
#define RTP_UNWRAP_H

#include <stdint.h>

static inline int64_t unwrap_u16(int64_t ref, uint16_t v)
{
    return ref + (int16_t)(uint16_t)(v - (uint16_t)ref);
}

static inline int64_t unwrap_u32(int64_t ref, uint32_t v)
{
    return ref + (int32_t)(v - (uint32_t)ref);
}

#endif
