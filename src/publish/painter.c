#include "publish/painter.h"

#include <string.h>

enum { BLACK = 16, WHITE = 235 };
enum { COUNTER_ROWS = 4, NOISE_ROW = 4, FLASH_ROW = 6 };

/* Where a cell begins; cell 8 is the end. */
static unsigned edge(unsigned length, unsigned cell)
{
    return length * cell / PATTERN_CELLS;
}

static void fill(const struct picture *p, unsigned left, unsigned right, unsigned top,
                 unsigned bottom, uint8_t value)
{
    for (unsigned y = top; y < bottom; y++)
        memset(p->luma + y * p->stride + left, value, right - left);
}

static void paint_counter(const struct picture *p, uint32_t frame)
{
    for (unsigned row = 0; row < COUNTER_ROWS; row++)
        for (unsigned column = 0; column < PATTERN_CELLS; column++) {
            unsigned bit = 31 - (row * PATTERN_CELLS + column);
            fill(p, edge(p->width, column), edge(p->width, column + 1), edge(p->height, row),
                 edge(p->height, row + 1), frame >> bit & 1 ? WHITE : BLACK);
        }
}

static uint64_t xorshift(uint64_t s)
{
    s ^= s << 13;
    s ^= s >> 7;
    return s ^ s << 17;
}

static void paint_noise(const struct picture *p, uint32_t frame)
{
    uint64_t s = 0x9e3779b97f4a7c15u * (frame + 1u);
    for (unsigned y = edge(p->height, NOISE_ROW); y < edge(p->height, FLASH_ROW); y++) {
        uint8_t *line = p->luma + y * p->stride;
        for (unsigned x = 0; x < p->width; x += 8) {
            s = xorshift(s);
            uint64_t eight = (s & 0x3f3f3f3f3f3f3f3fu) + 0x6060606060606060u;
            memcpy(line + x, &eight, p->width - x < 8 ? p->width - x : 8);
        }
    }
}

static void paint_bar(const struct picture *p, uint32_t frame, unsigned fps)
{
    unsigned wide = p->width / PATTERN_CELLS / 2;
    unsigned left = (p->width - wide) * (frame % (2 * fps)) / (2 * fps);
    fill(p, left, left + wide, edge(p->height, NOISE_ROW), edge(p->height, FLASH_ROW), WHITE);
}

void paint_pattern(const struct picture *p, uint32_t frame, unsigned fps)
{
    paint_counter(p, frame);
    paint_noise(p, frame);
    paint_bar(p, frame, fps);
    fill(p, 0, p->width, edge(p->height, FLASH_ROW), p->height,
         pattern_on(frame, fps) ? WHITE : BLACK);
}
