#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/udp.h"

#define COUNT 500

struct end {
    struct udp *udp;
    uv_loop_t *uv;
    unsigned seen[COUNT];
    unsigned total;
};

static void finish(struct end *end);

static void receive(void *ctx, const struct udp_datagram *batch, size_t count, usec_t now)
{
    struct end *end = ctx;
    assert_true(now > 0);
    for (size_t i = 0; i < count; i++) {
        unsigned n = get_u16(batch[i].data);
        assert_int_equal(batch[i].len, 2 + n % 1000);
        assert_true(n < COUNT);
        end->seen[n]++;
        end->total++;
    }
    if (end->total == COUNT)
        finish(end);
}

static struct end a, b;

static void finish(struct end *end)
{
    (void)end;
    udp_close(a.udp);
    udp_close(b.udp);
}

static void a_burst_arrives_whole(void **state)
{
    (void)state;
    uv_loop_t uv;
    struct addr any;
    uv_loop_init(&uv);
    addr_parse(&any, "127.0.0.1", 0);
    assert_int_equal(udp_open(&a.udp, &uv, any, receive, &a), OK);
    assert_int_equal(udp_open(&b.udp, &uv, any, receive, &b), OK);
    for (unsigned i = 0; i < COUNT; i++) {
        uint8_t data[UDP_MAX_DATAGRAM] = { 0 };
        set_u16(data, (uint16_t)i);
        udp_send(a.udp, udp_local(b.udp), bytes_of(data, 2 + i % 1000));
    }
    uv_run(&uv, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(b.seen[i], 1);
    assert_int_equal(uv_loop_close(&uv), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_burst_arrives_whole) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
