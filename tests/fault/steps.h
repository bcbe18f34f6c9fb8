/* The steps between which a process may be killed: each fsync, rename, link, unlink, mkdir, cut and
 * write of files, each commit of the store, each HTTP request. The linker leads these calls through
 * here (--wrap, tests/fault/meson.build), in test programs only; the code under test knows nothing
 * of it.
 *
 * _exit() at a step is as good as kill -9: all threads stop at once, and what was written is with
 * the kernel. */
#ifndef FAULT_STEPS_H
#define FAULT_STEPS_H

#define STEPS_KILLED 77 /* the exit status then */

/* From now on steps are counted; before the `kill_at`-th (from 1) the process ends. 0: it goes on.
 * `stall_ms`: that step takes so long, as with a slow disk, and the other threads go on until it is
 * over and the process ends. */
void steps_start(unsigned kill_at, unsigned stall_ms);

/* Appends a line to the notes that outlive the process; any thread. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notes_open(const char *path);

#endif
