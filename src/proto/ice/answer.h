/* Inside ice/: judging a connectivity check and answering it, the same for both agents (RFC
 * 8445 7.3, RFC 8489 9.1.3). */
#ifndef ICE_ANSWER_H
#define ICE_ANSWER_H

#include "ice/credentials.h"
#include "ice/outbox.h"
#include "stun/stun.h"

/* Whether a request is authentic and understood. What is wrong with it is answered, with integrity
 * once the sender has shown that it knows our password. OK: authentic, not yet answered. ERR_AUTH:
 * refused. ERR_UNSUPPORTED: authentic but with attributes that must be known. */
int ice_judge(const struct stun_message *m, struct addr from, const struct ice_credentials *cred,
              struct ice_outbox *box);

void ice_answer_success(const struct stun_message *m, struct addr from,
                        const struct ice_credentials *cred, struct ice_outbox *box);
void ice_answer_conflict(const struct stun_message *m, struct addr from,
                         const struct ice_credentials *cred, struct ice_outbox *box);

#endif
