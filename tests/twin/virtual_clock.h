/* OpenSSL's DTLS timers ask gettimeofday. A test binary that links this answers with a network's
 * clock once told to. */
#ifndef TWIN_VIRTUAL_CLOCK_H
#define TWIN_VIRTUAL_CLOCK_H

#include "net.h"

/* NULL: the real clock again. */
void virtual_clock_follow(const struct net *net);

/* How often the virtual time was asked for: 0 would mean that the interposition does not work. */
unsigned long virtual_clock_asked(void);

#endif
