/* The test pattern's picture: eight rows of eight cells.
 *
 *     rows 0 to 3   the frame counter, 32 cells, the highest bit first; white is 1, black is 0
 *     rows 4 and 5  noise, which gives the encoder work, a bar that crosses it in two seconds, and
 *                   the counter again as digits, for people
 *     rows 6 and 7  the flash: white during the first tenth of each second, else black
 *
 * A program reads a picture by averaging it down to eight by eight grey values. Pure; any thread.
 */
#ifndef PUBLISH_PAINTER_H
#define PUBLISH_PAINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_CELLS 8

/* The luma plane; the pattern is grey. */
struct picture {
    uint8_t *luma;
    size_t stride;
    unsigned width, height; /* 128 at least */
};

void paint_pattern(const struct picture *p, uint32_t frame, unsigned fps);

/* Whether light and sound are on in that part of a second, in `rate` parts: the first tenth. */
static inline bool pattern_on(uint64_t part, unsigned rate)
{
    return part % rate < (rate + 9) / 10;
}

#endif
