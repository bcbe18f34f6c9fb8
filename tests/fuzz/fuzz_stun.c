/* Reads any bytes as a STUN message and holds its promises: views stay inside, the cheap look
 * agrees with the full one, and what was read can be written again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "stun/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void inside(struct bytes view, struct bytes whole)
{
    must(!view.len || (view.ptr >= whole.ptr && view.ptr + view.len <= whole.ptr + whole.len));
}

static void write_again(const struct stun_message *m)
{
    uint8_t block[STUN_MAX_SIZE];
    struct stun_writer s;
    struct stun_message again;
    stun_begin(&s, block, sizeof block, m->class, m->transaction);
    stun_put_username(&s, m->username);
    if (m->mapped.family)
        stun_put_mapped(&s, m->mapped);
    size_t len = stun_end(&s, bytes_str("key"));
    must(len > 0);
    must(stun_parse(&again, bytes_of(block, len)) == OK);
    must(again.class == m->class);
    must(bytes_equal(again.username, m->username));
    must(addr_equal(again.mapped, m->mapped));
    must(stun_check_integrity(&again, bytes_str("key")) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes datagram = bytes_of(data, size), name, local, remote;
    struct stun_message m;
    bool peeked = stun_peek_username(datagram, &name);
    if (peeked) {
        inside(name, datagram);
        if (stun_split_username(name, &local, &remote))
            must(local.len + remote.len + 1 == name.len);
    }
    if (stun_parse(&m, datagram))
        return 0;
    must(stun_is(datagram));
    inside(m.username, datagram);
    inside(m.realm, datagram);
    inside(m.nonce, datagram);
    inside(m.software, datagram);
    inside(m.reason, datagram);
    if (peeked && m.username.ptr)
        must(bytes_equal(m.username, name));
    stun_check_integrity(&m, bytes_str("VOkJxbRl1RmTxUk/WvJxBt"));
    write_again(&m);
    return 0;
}
