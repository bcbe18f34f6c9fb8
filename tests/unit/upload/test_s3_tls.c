/* S3 over TLS: whose certificate is good enough, and what is said of one that is not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "io/loop.h"
#include "s3_fixture.h"

/* An authority, and what it signed. */
struct authority {
    EVP_PKEY *key;
    X509 *cert;
    char path[64]; /* its certificate in PEM */
};

struct wanted {
    const char *name;  /* subjectAltName */
    long from_s, to_s; /* against now */
};

static const struct wanted good = { "IP:127.0.0.1", -60, 3600 };

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make_cert(EVP_PKEY *key, const char *subject, const struct wanted *w)
{
    static long serial;
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), w->from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), w->to_s);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const uint8_t *)subject, -1, -1, 0);
    return cert;
}

static struct authority authority_new(const char *name)
{
    struct authority ca = { .key = EVP_EC_gen("P-256"), .path = "/tmp/s3-tls-XXXXXX" };
    ca.cert = make_cert(ca.key, name, &good);
    X509_set_issuer_name(ca.cert, X509_get_subject_name(ca.cert));
    extend(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(ca.cert, ca.key, EVP_sha256());
    FILE *file = fdopen(mkstemp(ca.path), "w");
    PEM_write_X509(file, ca.cert);
    fclose(file);
    return ca;
}

static void authority_free(struct authority *ca)
{
    unlink(ca->path);
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
}

/* A server with a certificate from there. */
static SSL_CTX *server(const struct authority *ca, const struct wanted *w)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_cert(key, "store", w);
    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
    extend(cert, ca->cert, NID_subject_alt_name, w->name);
    X509_sign(cert, ca->key, EVP_sha256());
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(ctx, cert);
    SSL_CTX_use_PrivateKey(ctx, key);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

static void the_configured_authority_is_accepted(void **state)
{
    (void)state;
    struct authority ca = authority_new("test authority");
    SSL_CTX *tls = server(&ca, &good);
    void *fx = setup_with((struct http_client_settings){ .ca_file = ca.path }, tls);
    check_outcome(put_small(fx), UPLOAD_OK, "");
    check_object(fx, SMALL);
    check_outcome(put_large(fx), UPLOAD_OK, "");
    check_object(fx, LARGE);
    assert_int_equal(stub_counts(((struct fixture *)fx)->stub).connections, 1);
    teardown(&fx);
    SSL_CTX_free(tls);
    authority_free(&ca);
}

/* Nothing of a request may reach whoever shows such a certificate. */
static void refused(const char *ca_file, SSL_CTX *tls, const char *why)
{
    void *state = setup_with((struct http_client_settings){ .ca_file = ca_file }, tls);
    struct fixture *fx = state;
    check_outcome(put_small(fx), UPLOAD_UNTRUSTED, "CertificateRefused");
    if (!strstr(fx->outcome.message, why))
        fail_msg("`%s` in place of `%s`", fx->outcome.message, why);
    check_outcome(put_large(fx), UPLOAD_UNTRUSTED, "CertificateRefused");
    struct stub_counts c = stub_counts(fx->stub);
    assert_true(c.connections > 0);
    for (int op = 0; op < STUB_OPS; op++)
        assert_int_equal(c.requests[op], 0);
    teardown(&state);
}

static void other_certificates_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct wanted wanted;
        const char *why;
    } cases[] = {
        { { "IP:127.0.0.2", -60, 3600 }, "no alternative certificate subject name matches" },
        { { "DNS:store.test", -60, 3600 }, "no alternative certificate subject name matches" },
        { { "IP:127.0.0.1", -3600, -60 }, "certificate has expired" },
        { { "IP:127.0.0.1", 3600, 7200 }, "certificate is not yet valid" },
    };
    struct authority ca = authority_new("test authority");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_CTX *tls = server(&ca, &cases[i].wanted);
        refused(ca.path, tls, cases[i].why);
        SSL_CTX_free(tls);
    }
    authority_free(&ca);
}

/* By default the system's authorities count, and a configured file counts alone. */
static void other_authorities_are_refused(void **state)
{
    (void)state;
    struct authority ca = authority_new("test authority"), other = authority_new("another");
    SSL_CTX *tls = server(&ca, &good);
    refused(NULL, tls, "certificate");
    refused(other.path, tls, "certificate");
    SSL_CTX_free(tls);
    authority_free(&ca);
    authority_free(&other);
}

/* Neither an old TLS nor none will do. */
static void tls_must_be_spoken(void **state)
{
    (void)state;
    struct authority ca = authority_new("test authority");
    SSL_CTX *tls = server(&ca, &good);
    SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
    void *bench = setup_with((struct http_client_settings){ .ca_file = ca.path }, tls);
    check_outcome(put_small(bench), UPLOAD_RETRY, "TLSFailed");

    struct fixture *fx = bench;
    struct s3_bucket_config plain = fx->config;
    struct bucket *kept = fx->bucket;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "http%s", stub_endpoint(fx->stub) + strlen("https"));
    plain.endpoint = endpoint;
    assert_int_equal(s3_bucket_new(&fx->bucket, &plain), OK);
    check_outcome(put_small(fx), UPLOAD_RETRY, "ConnectionBroken");
    loop_call(fx->control, free_bucket, fx);
    fx->bucket = kept;
    teardown(&bench);
    SSL_CTX_free(tls);
    authority_free(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configured_authority_is_accepted),
        cmocka_unit_test(other_certificates_are_refused),
        cmocka_unit_test(other_authorities_are_refused),
        cmocka_unit_test(tls_must_be_spoken),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
