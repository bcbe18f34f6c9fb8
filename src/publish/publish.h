/* The subcommand `reeltime publish`. */
#ifndef PUBLISH_PUBLISH_H
#define PUBLISH_PUBLISH_H

/* The exit code: 0, 1 when a publisher failed, 2 for wrong usage. */
int publish_main(int argc, char **argv);

#endif
