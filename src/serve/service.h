/* All parts of the daemon, wired together. Started and stopped by one thread that does nothing else
 * in between. */
#ifndef SERVE_SERVICE_H
#define SERVE_SERVICE_H

#include "config/config.h"

struct service;

/* Serves when it returns. `config` outlives it. What is wrong is logged; on an error nothing is
 * left running. */
int service_start(struct service **out, const struct config *config);

/* Ends all recordings, delivers their files (SERVICE_STOP_TIME at most; the rest goes on at the
 * next start), ends. NULL is fine. */
void service_stop(struct service *s);

#define SERVICE_STOP_SECONDS 30

#endif
