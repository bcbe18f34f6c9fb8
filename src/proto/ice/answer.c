#include "ice/answer.h"

#include "base/err.h"

static struct bytes local_key(const struct ice_credentials *cred)
{
    return bytes_str(cred->local.pwd);
}

static void begin(struct stun_writer *s, struct ice_outbox *box, enum stun_class class,
                  const struct stun_message *m)
{
    stun_begin(s, ice_outbox_room(box), ICE_DATAGRAM_SIZE, class, m->transaction);
}

/* An empty key: the sender is not authenticated, and neither is the answer. */
static void answer_error(const struct stun_message *m, struct addr from, enum stun_error_code code,
                         struct bytes key, struct ice_outbox *box)
{
    struct stun_writer s;
    begin(&s, box, STUN_ERROR, m);
    stun_put_error(&s, code);
    if (code == STUN_UNKNOWN_ATTRIBUTE)
        stun_put_unknown(&s, m->unknown,
                         m->unknown_count < STUN_MAX_UNKNOWN ? m->unknown_count : STUN_MAX_UNKNOWN);
    ice_outbox_commit(box, from, stun_end(&s, key));
}

/* Before a password has been shown only the part of USERNAME that is ours counts (RFC 8445 7.3). */
static bool names_us(const struct stun_message *m, const struct ice_credentials *cred)
{
    struct bytes local, remote;
    return stun_split_username(m->username, &local, &remote) &&
           bytes_equal_str(local, cred->local.ufrag);
}

int ice_judge(const struct stun_message *m, struct addr from, const struct ice_credentials *cred,
              struct ice_outbox *box)
{
    struct bytes nobody = bytes_of(NULL, 0);
    if (!m->integrity_at || !m->username.ptr) {
        answer_error(m, from, STUN_BAD_REQUEST, nobody, box);
        return ERR_AUTH;
    }
    if (!names_us(m, cred) || stun_check_integrity(m, local_key(cred))) {
        answer_error(m, from, STUN_UNAUTHENTICATED, nobody, box);
        return ERR_AUTH;
    }
    if (m->unknown_count) {
        answer_error(m, from, STUN_UNKNOWN_ATTRIBUTE, local_key(cred), box);
        return ERR_UNSUPPORTED;
    }
    return OK;
}

void ice_answer_success(const struct stun_message *m, struct addr from,
                        const struct ice_credentials *cred, struct ice_outbox *box)
{
    struct stun_writer s;
    begin(&s, box, STUN_SUCCESS, m);
    stun_put_mapped(&s, from);
    ice_outbox_commit(box, from, stun_end(&s, local_key(cred)));
}

void ice_answer_conflict(const struct stun_message *m, struct addr from,
                         const struct ice_credentials *cred, struct ice_outbox *box)
{
    answer_error(m, from, STUN_ROLE_CONFLICT, local_key(cred), box);
}
