/* The uploader's clock on a loop: a libuv timer that ticks it. Loop thread only. */
#ifndef UPLOAD_LOOP_CLOCK_H
#define UPLOAD_LOOP_CLOCK_H

#include "upload/uploader.h"

struct loop;
struct loop_clock;

/* ERR_NOMEM; ERR_IO. */
int loop_clock_open(struct loop_clock **out, struct loop *loop);

/* What uploader_new takes. */
struct upload_clock loop_clock_of(struct loop_clock *c);

/* From now on its wakes tick `u`; NULL: nothing. */
void loop_clock_attach(struct loop_clock *c, struct uploader *u);

/* Frees it once the loop has let go of the timer. After the uploader. */
void loop_clock_close(struct loop_clock *c);

#endif
