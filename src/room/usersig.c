#include "room/usersig.h"

#include "base/err.h"
#include "room/ticket.h"

int usersig_verify(struct bytes text, uint32_t sdk_app_id, struct bytes user, struct bytes key,
                   usec_t wall_now)
{
    struct ticket t;
    ticket_init(&t);
    int err = ticket_open(&t, text);
    if (!err)
        err = ticket_check(&t, sdk_app_id, user, key, wall_now);
    if ((!err || err == ERR_EXPIRED) && t.userbuf.len)
        err = ERR_AUTH;
    ticket_fini(&t);
    return err;
}

int usersig_mint(uint32_t sdk_app_id, struct bytes user, struct bytes key, usec_t wall_now,
                 uint64_t life, struct buf *out)
{
    struct ticket t;
    ticket_init(&t);
    t.sdk_app_id = sdk_app_id;
    t.time = (uint64_t)(wall_now / SEC);
    t.expire = life;
    buf_put_bytes(&t.identifier, user);
    int err = ticket_seal(&t, key, out);
    ticket_fini(&t);
    return err;
}
