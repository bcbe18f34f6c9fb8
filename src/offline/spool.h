/* `reeltime spool`: looks into a spool, makes it whole, delivers it, while no daemon runs. */
#ifndef OFFLINE_SPOOL_H
#define OFFLINE_SPOOL_H

int spool_main(int argc, char **argv); /* the exit status */

#endif
