#include "ice/lite.h"

#include "base/err.h"
#include "ice/answer.h"

void ice_lite_init(struct ice_lite *ice, const struct ice_credentials *cred, usec_t consent_timeout)
{
    *ice = (struct ice_lite){ .cred = *cred, .last_check = USEC_UNSET };
    ice->consent_timeout = consent_timeout ? consent_timeout : ICE_CONSENT_TIMEOUT;
}

void ice_lite_restart(struct ice_lite *ice, const struct ice_credentials *cred)
{
    ice->cred = *cred;
}

static size_t find(const struct ice_lite *ice, struct addr addr)
{
    size_t i = 0;
    while (i < ice->valid_count && !addr_equal(ice->valid[i].addr, addr))
        i++;
    return i;
}

bool ice_lite_valid(const struct ice_lite *ice, struct addr from)
{
    return find(ice, from) < ice->valid_count;
}

/* The place to give up: not heard of for longest, but not the selected one. */
static size_t stalest(const struct ice_lite *ice)
{
    size_t at = addr_equal(ice->valid[0].addr, ice->selected) ? 1 : 0;
    for (size_t i = at + 1; i < ice->valid_count; i++)
        if (ice->valid[i].checked < ice->valid[at].checked &&
            !addr_equal(ice->valid[i].addr, ice->selected))
            at = i;
    return at;
}

static void note_valid(struct ice_lite *ice, struct addr from, usec_t now)
{
    size_t at = find(ice, from);
    if (at == ice->valid_count) {
        if (at == ICE_MAX_VALID)
            at = stalest(ice);
        else
            ice->valid_count++;
        ice->valid[at].addr = from;
    }
    ice->valid[at].checked = now;
    ice->latest = from;
    ice->last_check = now;
}

/* A lite agent stays controlled towards a full one (RFC 8445 6.1.1), so a peer that believes to be
 * controlled too is told to switch. */
void ice_lite_feed(struct ice_lite *ice, struct addr from, const struct stun_message *m, usec_t now)
{
    if (m->class != STUN_REQUEST || m->method != STUN_BINDING || ice->lost)
        return;
    if (ice_judge(m, from, &ice->cred, &ice->outbox)) {
        ice->refused++;
        return;
    }
    if (m->role == STUN_CONTROLLED) {
        ice->refused++;
        ice_answer_conflict(m, from, &ice->cred, &ice->outbox);
        return;
    }
    note_valid(ice, from, now);
    if (m->use_candidate)
        ice->selected = from;
    ice_answer_success(m, from, &ice->cred, &ice->outbox);
}

bool ice_lite_output(struct ice_lite *ice, struct ice_datagram *out)
{
    return ice_outbox_next(&ice->outbox, out);
}

struct addr ice_lite_remote(const struct ice_lite *ice)
{
    return ice->selected.family ? ice->selected : ice->latest;
}

usec_t ice_lite_deadline(const struct ice_lite *ice)
{
    return ice->lost || ice->last_check == USEC_UNSET ? USEC_NEVER
                                                      : ice->last_check + ice->consent_timeout;
}

void ice_lite_tick(struct ice_lite *ice, usec_t now)
{
    if (now >= ice_lite_deadline(ice))
        ice->lost = true;
}
