/* `reeltime ctl`: creates, describes and deletes recording tasks of a running service, waits for
 * their delivery, and listens to events. It speaks the cloud API like any SDK, so it works against
 * every service that does. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

/* Exit status: enum ctl_exit of command.h. */
int ctl_main(int argc, char **argv);

#endif
