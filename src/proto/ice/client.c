#include "ice/client.h"

#include "base/err.h"
#include "base/random.h"
#include "ice/answer.h"

#define PACE      (50 * MSEC)  /* Ta, RFC 8445 14.2 */
#define FIRST_RTO (500 * MSEC) /* RFC 8445 14.3 */
#define MAX_RTO   (2 * SEC)

/* 30 s in all. Rc of RFC 8489 6.2.1 is 7: too few where a fifth is lost. */
#define MAX_ATTEMPTS 16

#define CONSENT_INTERVAL (5 * SEC) /* RFC 7675 5.1, varied by a fifth to either side */
#define CONSENT_TIMEOUT  (30 * SEC)
#define MOVE_AFTER       (3 * CONSENT_INTERVAL)

/* RFC 8445 7.1.1: what a peer-reflexive candidate of ours would have. Type preference 110. */
#define PRFLX_PRIORITY (110u << 24 | 65535u << 8 | 255u)

void ice_client_init(struct ice_client *ice, const struct ice_credentials *cred,
                     usec_t consent_timeout)
{
    *ice = (struct ice_client){ .cred = *cred, .role = STUN_CONTROLLING, .selected = -1 };
    ice->consent_timeout = consent_timeout ? consent_timeout : CONSENT_TIMEOUT;
    random_bytes(&ice->tie_breaker, sizeof ice->tie_breaker);
}

static struct ice_pair *find(struct ice_client *ice, struct addr remote)
{
    for (size_t i = 0; i < ice->pairs; i++)
        if (addr_equal(ice->pair[i].remote, remote))
            return &ice->pair[i];
    return NULL;
}

int ice_client_add(struct ice_client *ice, struct addr remote, uint32_t priority, usec_t now)
{
    if (find(ice, remote))
        return OK;
    if (ice->pairs == ICE_MAX_PAIRS)
        return ERR_LIMIT;
    ice->pair[ice->pairs++] =
        (struct ice_pair){ .remote = remote, .priority = priority, .next_at = now };
    return OK;
}

static void send_check(struct ice_client *ice, const struct ice_pair *pair)
{
    char username[ICE_USERNAME_SIZE];
    struct stun_writer s;
    stun_begin(&s, ice_outbox_room(&ice->outbox), ICE_DATAGRAM_SIZE, STUN_REQUEST,
               bytes_of(pair->transaction, sizeof pair->transaction));
    stun_put_username(&s, ice_username(username, &ice->cred.remote, &ice->cred.local));
    stun_put_role(&s, pair->asked_role, ice->tie_breaker);
    stun_put_priority(&s, PRFLX_PRIORITY);
    if (pair->nominating)
        stun_put_use_candidate(&s);
    ice_outbox_commit(&ice->outbox, pair->remote, stun_end(&s, bytes_str(ice->cred.remote.pwd)));
}

/* Doubles from FIRST_RTO. */
static usec_t rto(int attempts)
{
    usec_t wait = FIRST_RTO;
    for (int i = 1; i < attempts && wait < MAX_RTO; i++)
        wait *= 2;
    return wait;
}

/* Varied, so that many peers do not check in step (RFC 7675 5.1). */
static usec_t consent_wait(void)
{
    return CONSENT_INTERVAL * (800 + (usec_t)(random_u32() % 401)) / 1000;
}

static bool selected(const struct ice_client *ice, const struct ice_pair *pair)
{
    return ice->selected >= 0 && pair == &ice->pair[ice->selected];
}

static void begin_transaction(const struct ice_client *ice, struct ice_pair *pair)
{
    random_bytes(pair->transaction, sizeof pair->transaction);
    pair->attempts = 0;
    pair->asked = true;
    pair->asked_role = ice->role;
}

/* Succeeded pairs are asked anew each time; others repeat one transaction until it is answered or
 * given up. */
static void check(struct ice_client *ice, struct ice_pair *pair, usec_t now)
{
    if (pair->state == ICE_CHECKING && pair->attempts == MAX_ATTEMPTS) {
        pair->state = ICE_FAILED;
        return;
    }
    if (pair->state == ICE_SUCCEEDED)
        pair->nominating = selected(ice, pair) && ice->role == STUN_CONTROLLING;
    if (pair->state != ICE_CHECKING)
        begin_transaction(ice, pair);
    if (pair->state == ICE_WAITING)
        pair->state = ICE_CHECKING;
    pair->attempts++;
    pair->next_at = now + (pair->state == ICE_CHECKING ? rto(pair->attempts) : consent_wait());
    ice->pace_at = now + PACE;
    send_check(ice, pair);
}

/* A succeeded pair may become the one we use: nominate it by a check of its own, at once. It
 * repeats like a first check until answered. */
static void nominate(struct ice_pair *pair, usec_t now)
{
    pair->state = ICE_WAITING;
    pair->nominating = true;
    pair->next_at = now;
}

static void select_pair(struct ice_client *ice, struct ice_pair *pair)
{
    for (size_t i = 0; i < ice->pairs; i++)
        ice->pair[i].nominating = false; /* a late answer to another pair must not move us back */
    ice->selected = (int)(pair - ice->pair);
}

static bool nomination_under_way(const struct ice_client *ice)
{
    for (size_t i = 0; i < ice->pairs; i++)
        if (ice->pair[i].nominating && ice->pair[i].state <= ICE_CHECKING)
            return true;
    return false;
}

static void switch_role(struct ice_client *ice)
{
    ice->role = ice->role == STUN_CONTROLLING ? STUN_CONTROLLED : STUN_CONTROLLING;
    for (size_t i = 0; i < ice->pairs; i++)
        ice->pair[i].nominating = false;
}

static void on_success(struct ice_client *ice, struct ice_pair *pair, usec_t now)
{
    bool chosen = ice->role == STUN_CONTROLLING ? pair->nominating : pair->peer_nominated;
    pair->state = ICE_SUCCEEDED;
    pair->asked = false;
    pair->nominating = false;
    pair->valid = true;
    pair->answered = now;
    pair->next_at = now + consent_wait();
    if (chosen)
        select_pair(ice, pair);
    else if (ice->role == STUN_CONTROLLING && ice->selected < 0 && !nomination_under_way(ice))
        nominate(pair, now);
}

static void on_error(struct ice_client *ice, struct ice_pair *pair, const struct stun_message *m,
                     usec_t now)
{
    pair->asked = false;
    if (m->error_code == STUN_ROLE_CONFLICT) {
        if (pair->asked_role == ice->role)
            switch_role(ice);
        pair->state = ICE_WAITING;
        pair->next_at = now;
    } else {
        pair->state = ICE_FAILED;
    }
}

/* Only an authentic answer from the address that was asked counts (RFC 8445 7.2.5.2.1); others,
 * refusals without integrity among them, are as good as lost. */
static void on_answer(struct ice_client *ice, struct addr from, const struct stun_message *m,
                      usec_t now)
{
    struct ice_pair *pair = find(ice, from);
    if (!pair || !pair->asked ||
        !bytes_equal(m->transaction, bytes_of(pair->transaction, sizeof pair->transaction)) ||
        stun_check_integrity(m, bytes_str(ice->cred.remote.pwd)))
        return;
    if (m->class == STUN_SUCCESS)
        on_success(ice, pair, now);
    else
        on_error(ice, pair, m, now);
}

/* RFC 8445 7.3.1.1: the larger tie-breaker is to control. False: the peer was told to switch. */
static bool settle_roles(struct ice_client *ice, const struct stun_message *m)
{
    if (m->role != ice->role)
        return true;
    bool ours_larger = ice->tie_breaker >= m->tie_breaker;
    if (ours_larger == (ice->role == STUN_CONTROLLING))
        return false;
    switch_role(ice);
    return true;
}

static void on_request(struct ice_client *ice, struct addr from, const struct stun_message *m,
                       usec_t now)
{
    if (ice_judge(m, from, &ice->cred, &ice->outbox))
        return;
    if (!settle_roles(ice, m)) {
        ice_answer_conflict(m, from, &ice->cred, &ice->outbox);
        return;
    }
    ice_answer_success(m, from, &ice->cred, &ice->outbox);
    if (ice_client_add(ice, from, m->priority, now))
        return;
    struct ice_pair *pair = find(ice, from);
    if (pair->state == ICE_FAILED) {
        pair->state = ICE_WAITING;
        pair->next_at = now;
    }
    if (!m->use_candidate || ice->role != STUN_CONTROLLED)
        return;
    pair->peer_nominated = true;
    if (pair->state == ICE_SUCCEEDED)
        select_pair(ice, pair);
}

void ice_client_feed(struct ice_client *ice, struct addr from, const struct stun_message *m,
                     usec_t now)
{
    if (m->method != STUN_BINDING || ice->lost)
        return;
    if (m->class == STUN_REQUEST)
        on_request(ice, from, m, now);
    else if (m->class != STUN_INDICATION)
        on_answer(ice, from, m, now);
}

bool ice_client_output(struct ice_client *ice, struct ice_datagram *out)
{
    return ice_outbox_next(&ice->outbox, out);
}

bool ice_client_valid(const struct ice_client *ice, struct addr from)
{
    for (size_t i = 0; i < ice->pairs; i++)
        if (ice->pair[i].valid && addr_equal(ice->pair[i].remote, from))
            return true;
    return false;
}

struct addr ice_client_remote(const struct ice_client *ice)
{
    return ice->selected < 0 ? (struct addr){ 0 } : ice->pair[ice->selected].remote;
}

/* The next check that is due, no earlier than the pace allows. */
static usec_t next_check(const struct ice_client *ice)
{
    usec_t at = USEC_NEVER;
    for (size_t i = 0; i < ice->pairs; i++)
        if (ice->pair[i].state != ICE_FAILED && ice->pair[i].next_at < at)
            at = ice->pair[i].next_at;
    return at < ice->pace_at ? ice->pace_at : at;
}

static usec_t consent_end(const struct ice_client *ice)
{
    return ice->selected < 0 ? USEC_NEVER
                             : ice->pair[ice->selected].answered + ice->consent_timeout;
}

usec_t ice_client_deadline(const struct ice_client *ice)
{
    if (ice->lost)
        return USEC_NEVER;
    usec_t check_at = next_check(ice), end = consent_end(ice);
    return check_at < end ? check_at : end;
}

/* Leaves a selected pair that fell silent for the one heard of last. */
static void move_if_silent(struct ice_client *ice, usec_t now)
{
    if (ice->selected < 0 || ice->role != STUN_CONTROLLING || nomination_under_way(ice))
        return;
    usec_t heard = ice->pair[ice->selected].answered;
    struct ice_pair *best = NULL;
    for (size_t i = 0; i < ice->pairs; i++) {
        struct ice_pair *pair = &ice->pair[i];
        if (pair->state == ICE_SUCCEEDED && pair->answered > heard + CONSENT_INTERVAL &&
            (!best || pair->answered > best->answered))
            best = pair;
    }
    if (best && now - heard >= MOVE_AFTER)
        nominate(best, now);
}

static struct ice_pair *most_urgent(struct ice_client *ice, usec_t now)
{
    struct ice_pair *best = NULL;
    for (size_t i = 0; i < ice->pairs; i++) {
        struct ice_pair *pair = &ice->pair[i];
        if (pair->state == ICE_FAILED || pair->next_at > now)
            continue;
        if (!best || pair->next_at < best->next_at ||
            (pair->next_at == best->next_at && pair->priority > best->priority))
            best = pair;
    }
    return best;
}

void ice_client_tick(struct ice_client *ice, usec_t now)
{
    if (ice->lost)
        return;
    if (now >= consent_end(ice)) {
        ice->lost = true;
        return;
    }
    move_if_silent(ice, now);
    struct ice_pair *pair = now >= ice->pace_at ? most_urgent(ice, now) : NULL;
    if (pair)
        check(ice, pair, now);
}
