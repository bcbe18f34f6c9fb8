/* Shows a progress that changes: one line redrawn on a terminal, a line for each change elsewhere.
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdio.h>

#include "ctl/progress.h"

enum screen_style { STYLE_BAR, STYLE_LINES, STYLE_JSON };

struct screen {
    FILE *to;
    enum screen_style style;
    struct buf last; /* the line that stands there */
};

void screen_init(struct screen *s, FILE *to, enum screen_style style);
void screen_show(struct screen *s, const struct progress *p);
void screen_end(struct screen *s); /* ends the line, and frees */

#endif
