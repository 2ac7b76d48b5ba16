#include "lib/tls/own.h"

#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/ends.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who was given it beforehand accepts it, for this machine alone. */
static void own_certificate_serves_this_machine(void **state)
{
    static const struct {
        const char *host;
        bool fits;
    } rows[] = {{"localhost", true},
                {"127.0.0.1", true},
                {"::1", true},
                {"127.0.0.2", false},
                {"cristo.test", false}};
    struct tls_pair pair;
    char fingerprint[TLS_FINGERPRINT], wrong[TLS_WRONG];
    (void)state;
    assert_true(tls_own_create(&pair, fingerprint, wrong));
    assert_string_equal(wrong, "");
    struct tls_server *server =
        new_server(&(struct tls_server_plan){.pairs = &pair, .pair_count = 1});
    struct tls_client *client = new_client(&(struct tls_client_plan){.ca = pair.chain});
    struct tls_client *other = new_client(&(struct tls_client_plan){0});
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ends ends;
        ends_open(&ends, server, client, rows[i].host, NULL);
        assert_int_equal(ends_shake(&ends).client, rows[i].fits ? 0 : STREAM_BROKEN);
        ends_close(&ends);
        ends_open(&ends, server, other, rows[i].host, NULL);
        assert_int_equal(ends_shake(&ends).client, STREAM_BROKEN);
        assert_string_equal(tls_reason(&ends.client),
                            "certificate is signed by itself, and not trusted");
        ends_close(&ends);
    }
    tls_client_destroy(other);
    tls_client_destroy(client);
    tls_server_destroy(server);
    tls_file_free(&pair.chain);
    tls_file_free(&pair.key);
}

static X509 *certificate_of(const struct tls_pair *pair)
{
    BIO *text = BIO_new_mem_buf(pair->chain.bytes, (int)pair->chain.size);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    BIO_free(text);
    return certificate;
}

static void fingerprint_is_that_of_the_certificate(void **state)
{
    char prints[2][TLS_FINGERPRINT], wrong[TLS_WRONG];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tls_pair pair;
        unsigned char digest[32];
        unsigned size;
        assert_true(tls_own_create(&pair, prints[i], wrong));
        X509 *certificate = certificate_of(&pair);
        assert_int_equal(X509_digest(certificate, EVP_sha256(), digest, &size), 1);
        assert_int_equal(strlen(prints[i]), TLS_FINGERPRINT - 1);
        for (unsigned at = 0; at < 32; at++) {
            char pair_of_digits[4];
            snprintf(pair_of_digits, sizeof(pair_of_digits), "%02X%s", digest[at],
                     at < 31 ? ":" : "");
            assert_memory_equal(prints[i] + 3 * at, pair_of_digits, strlen(pair_of_digits));
        }
        X509_free(certificate);
        tls_file_free(&pair.chain);
        tls_file_free(&pair.key);
    }
    assert_string_not_equal(prints[0], prints[1]);
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    char wrong[TLS_WRONG];
    if (!tls_init(wrong) || !tls_init(wrong)) {
        return 1;
    }
    suite_add(suite, CASE(own_certificate_serves_this_machine));
    suite_add(suite, CASE(fingerprint_is_that_of_the_certificate));
    suite_frame(suite, descriptors_count, descriptors_compare);
    int failed = suite_run(suite, "tls/own");
    free(suite);
    return failed;
}
