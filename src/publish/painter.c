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

/* Seven segments, on a plate of black:
 *
 *      0
 *    5   1        a digit is a box of 2 by 4 strokes' lengths, its strokes an eighth of its height
 *      6
 *    4   2
 *      3
 */
static const uint8_t segments[10] = { 0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f };

struct box {
    unsigned left, top, width, height;
};

static void stroke(const struct picture *p, unsigned left, unsigned top, unsigned width,
                   unsigned height)
{
    fill(p, left, left + width, top, top + height, WHITE);
}

static void paint_digit(const struct picture *p, struct box b, unsigned digit)
{
    unsigned t = b.height / 8, half = b.height / 2, right = b.left + b.width - t;
    uint8_t on = segments[digit];
    if (on & 0x01)
        stroke(p, b.left, b.top, b.width, t);
    if (on & 0x02)
        stroke(p, right, b.top, t, half);
    if (on & 0x04)
        stroke(p, right, b.top + half, t, b.height - half);
    if (on & 0x08)
        stroke(p, b.left, b.top + b.height - t, b.width, t);
    if (on & 0x10)
        stroke(p, b.left, b.top + half, t, b.height - half);
    if (on & 0x20)
        stroke(p, b.left, b.top, t, half);
    if (on & 0x40)
        stroke(p, b.left, b.top + half - t / 2, b.width, t);
}

/* In the middle of the noise, on a plate as high. */
static void paint_digits(const struct picture *p, uint32_t frame)
{
    unsigned digits = 1, top = edge(p->height, NOISE_ROW), space = edge(p->height, FLASH_ROW) - top;
    for (uint32_t rest = frame; rest >= 10; rest /= 10)
        digits++;
    unsigned height = space * 3 / 4, step = height * 3 / 4;
    if (step > p->width / digits)
        step = p->width / digits;
    unsigned left = (p->width - step * digits) / 2;
    fill(p, left, left + step * digits, top, top + space, BLACK);
    for (unsigned i = digits; i-- > 0; frame /= 10) {
        struct box b = { left + i * step + step / 6, top + space / 8, step * 2 / 3, height };
        paint_digit(p, b, frame % 10);
    }
}

void paint_pattern(const struct picture *p, uint32_t frame, unsigned fps)
{
    paint_counter(p, frame);
    paint_noise(p, frame);
    paint_bar(p, frame, fps);
    paint_digits(p, frame);
    fill(p, 0, p->width, edge(p->height, FLASH_ROW), p->height,
         pattern_on(frame, fps) ? WHITE : BLACK);
}
