#include "derive/stretch.h"

/* Catmull-Rom: through b at 0 and c at 1. */
static float between(float a, float b, float c, float d, float t)
{
    float cube = 3 * (b - c) + d - a;
    float square = 2 * a - 5 * b + 4 * c - d;
    return b + 0.5f * t * (c - a + t * (square + t * cube));
}

void stretch(float *out, size_t m, const float *in, size_t n, size_t stride, float before)
{
    for (size_t k = 0; k < m; k++) {
        size_t at = k * n / m;
        float part = (float)(k * n % m) / (float)m;
        size_t next = at + 1 < n ? at + 1 : n - 1, after = at + 2 < n ? at + 2 : n - 1;
        float a = at ? in[(at - 1) * stride] : before;
        out[k] = between(a, in[at * stride], in[next * stride], in[after * stride], part);
    }
}
