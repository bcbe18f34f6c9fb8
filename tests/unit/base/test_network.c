#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/network.h"

static void only_networks_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        { "10.0.0.0/8", true },   { "10.1.2.3", true },      { "10.1.2.3/32", true },
        { "0.0.0.0/0", true },    { "::/0", true },          { "fe80::/10", true },
        { "::1", true },          { "2001:db8::/33", true }, { "10.1.0.0/8", false },
        { "10.0.0.0/33", false }, { "10.0.0.0/-1", false },  { "10.0.0.0/", false },
        { "10.0.0.0/8 ", false }, { "10.0.0/8", false },     { "", false },
        { "/8", false },          { "::/129", false },       { "example.test", false },
        { "fe80::1/10", false },  { "10.0.0.0/8/8", false }, { "10.0.0.0:80", false },
        { "128.0.0.0/1", true },  { "192.0.0.0/1", false },  { "10.0.0.0/0x8", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network n;
        if (network_parse(&n, cases[i].text) != cases[i].good)
            fail_msg("%s", cases[i].text);
    }
}

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *network, *ip;
        bool holds;
    } cases[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "172.16.0.0/12", "172.31.0.1", true },
        { "172.16.0.0/12", "172.32.0.1", false },
        { "10.1.2.3", "10.1.2.3", true },
        { "10.1.2.3", "10.1.2.2", false },
        { "0.0.0.0/0", "255.1.2.3", true },
        { "0.0.0.0/0", "::1", false },
        { "::/0", "fe80::1", true },
        { "::/0", "1.2.3.4", false },
        { "fe80::/10", "febf::1", true },
        { "fe80::/10", "fec0::1", false },
        { "2001:db8::/33", "2001:db8:7fff::", true },
        { "2001:db8::/33", "2001:db8:8000::", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network n;
        struct addr a;
        assert_true(network_parse(&n, cases[i].network));
        assert_true(addr_parse(&a, cases[i].ip, 443));
        if (network_holds(&n, a) != cases[i].holds)
            fail_msg("%s in %s", cases[i].ip, cases[i].network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_networks_parse),
        cmocka_unit_test(networks_hold_their_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
