/* Makes a piece of sound a little longer or shorter, to let its clock slew: cubic interpolation, no
 * delay of its own. Pieces join: the first sample keeps its place, and the one after the last would
 * have been the next piece's first. Meant for changes of a hundredth at most; pure. */
#ifndef DERIVE_STRETCH_H
#define DERIVE_STRETCH_H

#include <stddef.h>

/* `in`: `n` samples, every `stride`th float; `before`: the sample before them. Writes `m` samples,
 * 1 or more. */
void stretch(float *out, size_t m, const float *in, size_t n, size_t stride, float before);

#endif
