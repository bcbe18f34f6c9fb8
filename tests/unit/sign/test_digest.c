#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "sign/canonical.h"
#include "sign/digest.h"

/* FIPS 180-2, appendix B. */
static void hashes(void **state)
{
    (void)state;
    char hex[SHA256_HEX_SIZE];
    assert_int_equal(sha256_hex(bytes_str("abc"), hex), OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(sha256_hex(bytes_of(NULL, 0), hex), OK);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, test case 2; and an empty key (RFC 2104 allows it). */
static void macs(void **state)
{
    (void)state;
    uint8_t mac[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    assert_int_equal(hmac_sha256(bytes_str("Jefe"), bytes_str("what do ya want for nothing?"), mac),
                     OK);
    hex_encode(hex, bytes_of(mac, sizeof mac));
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(hmac_sha256(bytes_of(NULL, 0), bytes_str(""), mac), OK);
    hex_encode(hex, bytes_of(mac, sizeof mac));
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 2202, section 3, test case 2. */
static void macs_of_sha1(void **state)
{
    (void)state;
    uint8_t mac[SHA1_SIZE];
    char hex[2 * SHA1_SIZE + 1];
    assert_int_equal(hmac_sha1(bytes_str("Jefe"), bytes_str("what do ya want for nothing?"), mac),
                     OK);
    hex_encode(hex, bytes_of(mac, sizeof mac));
    assert_string_equal(hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

/* The documented example of AWS Signature Version 4's key derivation. */
static void chain(void **state)
{
    (void)state;
    struct bytes links[] = { bytes_str("20150830"), bytes_str("us-east-1"), bytes_str("iam"),
                             bytes_str("aws4_request") };
    uint8_t key[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    assert_int_equal(hmac_chain("AWS4", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", links, 4, key),
                     OK);
    hex_encode(hex, bytes_of(key, sizeof key));
    assert_string_equal(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

static void canonical(void **state)
{
    (void)state;
    const struct canonical_header headers[] = {
        { bytes_str("Content-Type"), bytes_str(" Application/JSON\t") },
        { bytes_str("host"), bytes_str("a:1") },
    };
    struct canonical_request request = {
        bytes_str("post"), bytes_str("/"), bytes_str("q=A"), headers, 2, false, "00ff"
    };
    struct buf out;
    buf_init(&out, 1024);
    canonical_write(&request, &out);
    assert_string_equal(
        buf_str(&out),
        "POST\n/\nq=A\ncontent-type:Application/JSON\nhost:a:1\n\ncontent-type;host\n00ff");
    buf_clear(&out);
    request.lower_values = true;
    canonical_write(&request, &out);
    assert_non_null(strstr(buf_str(&out), "content-type:application/json\n"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes), cmocka_unit_test(macs),      cmocka_unit_test(macs_of_sha1),
        cmocka_unit_test(chain),  cmocka_unit_test(canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
