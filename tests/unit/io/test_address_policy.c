#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "io/address_policy.h"

static bool allows(const struct address_policy *policy, const char *ip)
{
    struct addr a;
    assert_true(addr_parse(&a, ip, 80));
    return address_policy_allows(policy, a);
}

static void what_is_inside_is_refused(void **state)
{
    (void)state;
    static const char *const inside[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "::ffff:192.168.0.1",
        "64:ff9b:1::1",
    };
    static const char *const outside[] = {
        "1.1.1.1",     "9.255.255.255", "11.0.0.0",        "100.63.0.1",       "100.128.0.1",
        "126.0.0.1",   "128.0.0.1",     "172.15.0.1",      "172.32.0.1",       "192.167.0.1",
        "223.255.0.1", "2606:4700::1",  "::ffff:1.1.1.1",  "64:ff9b::1.1.1.1", "2002:101:101::",
        "2a00::1",     "fbff::1",       "169.253.255.255",
    };
    struct address_policy policy;
    assert_int_equal(address_policy_init(&policy, NULL, 0), OK);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (allows(&policy, inside[i]))
            fail_msg("%s allowed", inside[i]);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (!allows(&policy, outside[i]))
            fail_msg("%s refused", outside[i]);
    struct addr none = { 0 };
    assert_false(address_policy_allows(&policy, none));
    address_policy_fini(&policy);
}

static void the_operator_can_allow(void **state)
{
    (void)state;
    static const char *const allow[] = { "127.0.0.1/32", "fd00:1::/32" };
    struct address_policy policy;
    assert_int_equal(address_policy_init(&policy, allow, 2), OK);
    assert_true(allows(&policy, "127.0.0.1"));
    assert_false(allows(&policy, "127.0.0.2"));
    assert_true(allows(&policy, "fd00:1::7"));
    assert_false(allows(&policy, "fd00:2::7"));
    assert_true(allows(&policy, "1.1.1.1"));
    struct addr a;
    addr_parse(&a, "127.0.0.1", 9000);
    assert_true(address_policy_allow(&policy, a));
    address_policy_fini(&policy);

    static const char *const bad[] = { "127.0.0.1/32", "everything" };
    assert_int_equal(address_policy_init(&policy, bad, 2), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_inside_is_refused),
        cmocka_unit_test(the_operator_can_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
