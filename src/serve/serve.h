/* `reeltime serve`: starts the parts in order, waits for SIGTERM or SIGINT, stops them in the
 * reverse order. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

/* Exit status: 0 after an orderly stop, 1 when it cannot start, 2 for wrong options. */
int serve_main(int argc, char **argv);

#endif
