#include "lib/tls/server.h"

#include "lib/tls/reason.h"
#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/ends.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct world world;

enum {
    DAY_S = 24 * 3600
};

static struct tls_file text_file(const char *name, const char *text)
{
    return (struct tls_file){name, strdup(text), strlen(text)};
}

static char *first_certificate_of(const struct tls_pair *pair)
{
    return strndup(pair->chain.bytes, pair->chain.size);
}

/* A file that holds what both hold. */
static struct tls_file together(const struct tls_file *one, const struct tls_file *other)
{
    struct tls_file both = {one->name, malloc(one->size + other->size), one->size + other->size};
    memcpy(both.bytes, one->bytes, one->size);
    memcpy(both.bytes + one->size, other->bytes, other->size);
    return both;
}

/* --- what is wrong with a pair ---------------------------------------------------------------- */

static void expect_wrong(const struct tls_pair *pair, const char *begin)
{
    char wrong[TLS_WRONG];
    assert_null(
        tls_server_create(&(struct tls_server_plan){.pairs = pair, .pair_count = 1}, wrong));
    if (strncmp(wrong, begin, strlen(begin)) != 0) {
        assert_string_equal(wrong, begin);
    }
    /* a client's own certificate is looked at in the same way */
    assert_null(tls_client_create(&(struct tls_client_plan){.own = *pair, .ca = world.ca}, wrong));
    if (strncmp(wrong, begin, strlen(begin)) != 0) {
        assert_string_equal(wrong, begin);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void files_without_pem_are_named(void **state)
{
    struct tls_pair pair = world.pair;
    (void)state;
    pair.chain = text_file("site.pem", "this is no certificate\n");
    expect_wrong(&pair, "site.pem: has no certificate in it (PEM is wanted: "
                        "-----BEGIN CERTIFICATE-----)");
    tls_file_free(&pair.chain);
    pair.chain = text_file("site.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                       "-----END CERTIFICATE-----\n");
    expect_wrong(&pair, "site.pem: certificate 1 in it cannot be read: ");
    tls_file_free(&pair.chain);
    pair.chain = world.pair.chain;
    pair.key = text_file("site.key", "-----BEGIN CERTIFICATE-----\n");
    expect_wrong(&pair, "site.key: has no private key in it (PEM is wanted: "
                        "-----BEGIN PRIVATE KEY-----)");
    tls_file_free(&pair.key);
    pair.key = text_file("site.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                     "-----END PRIVATE KEY-----\n");
    expect_wrong(&pair, "site.key: the key in it cannot be read: ");
    tls_file_free(&pair.key);
}

static void chain_that_breaks_off_is_told(void **state)
{
    struct tls_pair pair = world.pair;
    char *whole = first_certificate_of(&pair);
    (void)state;
    size_t size = strlen(whole);
    char *text = calloc(2, size);
    memcpy(text, whole, size);
    memcpy(text + size, whole, size / 2);
    pair.chain = text_file("site.pem", text);
    expect_wrong(&pair, "site.pem: certificate 2 in it cannot be read: ");
    tls_file_free(&pair.chain);
    free(text);
    free(whole);
}

static void key_of_another_certificate_is_refused(void **state)
{
    struct tls_pair other = authority_issue(world.authority, &(struct wish){.name = "other.test"});
    struct tls_pair pair = {.chain = world.pair.chain, .key = other.key};
    (void)state;
    expect_wrong(&pair, "key.pem: is not the key of the certificate in cert.pem");
    authority_free_pair(&other);
}

static void certificate_for_the_key_comes_first(void **state)
{
    struct tls_pair pair = {.key = world.pair.key};
    (void)state;
    pair.chain = together(&world.ca, &world.pair.chain);
    pair.chain.name = "site.pem";
    expect_wrong(&pair, "site.pem: the certificate for the key has to be the first one in it, not "
                        "number 2");
    tls_file_free(&pair.chain);
}

static void certificate_has_its_time(void **state)
{
    struct tls_pair pair = authority_issue(
        world.authority, &(struct wish){.begins_s = -9 * DAY_S, .ends_s = -2 * DAY_S});
    (void)state;
    expect_wrong(&pair, "cert.pem: certificate has expired (2");
    authority_free_pair(&pair);
    pair = authority_issue(world.authority, &(struct wish){.begins_s = 2 * DAY_S});
    expect_wrong(&pair, "cert.pem: certificate is not valid yet (2");
    authority_free_pair(&pair);
}

static void encrypted_key_is_refused_and_nobody_asked(void **state)
{
    struct tls_pair pair = authority_issue(world.authority, &(struct wish){.password = "secret"});
    (void)state;
    expect_wrong(&pair, "key.pem: the key is encrypted, and there is nobody to ask for its "
                        "password (openssl pkey writes it in the clear)");
    authority_free_pair(&pair);
}

static void one_file_may_hold_both(void **state)
{
    (void)state;
    for (int key_first = 0; key_first < 2; key_first++) {
        struct tls_file both = key_first ? together(&world.pair.key, &world.pair.chain)
                                         : together(&world.pair.chain, &world.pair.key);
        struct tls_pair pair = {.chain = both, .key = both};
        tls_server_destroy(new_server(&(struct tls_server_plan){.pairs = &pair, .pair_count = 1}));
        tls_file_free(&both);
    }
}

static void authorities_have_to_be_pem(void **state)
{
    struct tls_file ca = text_file("ca.pem", "nothing");
    char wrong[TLS_WRONG];
    (void)state;
    assert_null(tls_client_create(&(struct tls_client_plan){.ca = ca}, wrong));
    assert_string_equal(wrong, "ca.pem: has no certificate in it (PEM is wanted: "
                               "-----BEGIN CERTIFICATE-----)");
    assert_null(tls_server_create(
        &(struct tls_server_plan){.pairs = &world.pair, .pair_count = 1, .client_ca = ca}, wrong));
    assert_string_equal(wrong, "ca.pem: has no certificate in it (PEM is wanted: "
                               "-----BEGIN CERTIFICATE-----)");
    tls_file_free(&ca);
}

/* --- what a client makes of a server ---------------------------------------------------------- */

static struct tls_server *server_with(const struct wish *wish, struct authority *authority)
{
    struct tls_pair pair = authority_issue(authority, wish);
    struct tls_server *server =
        new_server(&(struct tls_server_plan){.pairs = &pair, .pair_count = 1});
    authority_free_pair(&pair);
    return server;
}

/* NULL: it is accepted. */
static void expect_verdict(struct tls_server *server, struct tls_client *client, const char *host,
                           const char *reason)
{
    struct ends ends;
    ends_open(&ends, server, client, host, NULL);
    struct outcomes came = ends_shake(&ends);
    assert_string_equal(tls_reason(&ends.client), reason != NULL ? reason : "");
    assert_int_equal(came.client, reason != NULL ? STREAM_BROKEN : 0);
    ends_close(&ends);
}

static void names_and_addresses_are_checked(void **state)
{
#define FOR "certificate is for server.test, *.wild.test, 127.0.0.1, ::1, not for "
    static const struct {
        const char *host, *reason;
    } rows[] = {
        {"server.test", NULL},
        {"SERVER.Test", NULL},
        {"server.test.", NULL},
        {"a.wild.test", NULL},
        {"127.0.0.1", NULL},
        {"::1", NULL},
        {"0:0::1", NULL},
        {NULL, NULL},
        {"other.test", FOR "other.test"},
        {"wild.test", FOR "wild.test"},
        {"a.b.wild.test", FOR "a.b.wild.test"},
        {"127.0.0.2", FOR "127.0.0.2"},
        {"::2", FOR "::2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_verdict(world.server, world.client, rows[i].host, rows[i].reason);
        expect_verdict(world.server, world.older, rows[i].host, rows[i].reason);
    }
#undef FOR
}

/* OpenSSL would check no name at all. */
static void what_is_no_name_is_not_asked_for(void **state)
{
    static const char *const hosts[] = {"", "."};
    char name[300];
    struct ends ends;
    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ends_open(&ends, NULL, NULL, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        const char *host = i < 2 ? hosts[i] : name;
        assert_int_equal(tls_connect(&ends.client, world.client, host, NULL), -EINVAL);
        assert_null(ends.client.carrier);
    }
    ends_close(&ends);
}

static void common_name_counts_where_no_other_is(void **state)
{
    struct tls_server *server = server_with(&(struct wish){.name = "old.test"}, world.authority);
    (void)state;
    expect_verdict(server, world.client, "old.test", NULL);
    expect_verdict(server, world.client, "new.test",
                   "certificate is for old.test, not for new.test");
    tls_server_destroy(server);
    server = server_with(&(struct wish){0}, world.authority);
    expect_verdict(server, world.client, "new.test", "certificate is for nobody, not for new.test");
    tls_server_destroy(server);
}

/* RFC 6125 6.4.3: no name that half a label stands for. */
static void wildcard_is_a_whole_label(void **state)
{
    struct tls_server *server =
        server_with(&(struct wish){.alt_names = "DNS:a*.part.test"}, world.authority);
    (void)state;
    expect_verdict(server, world.client, "abc.part.test",
                   "certificate is for a*.part.test, not for abc.part.test");
    tls_server_destroy(server);
}

static void many_names_are_told_as_far_as_there_is_room(void **state)
{
    char names[2000] = "", *end = names;
    struct ends ends;
    (void)state;
    for (int i = 0; i < 40; i++) {
        end += sprintf(end, "%sDNS:name%02d.server.test", i == 0 ? "" : ",", i);
    }
    struct tls_server *server = server_with(&(struct wish){.alt_names = names}, world.authority);
    ends_open(&ends, server, world.client, "other.test", NULL);
    assert_int_equal(ends_shake(&ends).client, STREAM_BROKEN);
    const char *reason = tls_reason(&ends.client);
    assert_non_null(strstr(reason, "name00.server.test, name01.server.test, "));
    assert_non_null(strstr(reason, ", ..., not for other.test"));
    ends_close(&ends);
    tls_server_destroy(server);
}

/* What is told goes to terminals and into JSON. */
static void a_name_is_told_without_what_no_name_has(void **state)
{
    struct tls_server *server =
        server_with(&(struct wish){.name = "\x1b[2Jold\xc3\xa9\n"}, world.authority);
    (void)state;
    expect_verdict(server, world.client, "new.test",
                   "certificate is for ?[2jold???, not for new.test");
    tls_server_destroy(server);
}

static void unknown_authority_is_refused(void **state)
{
    struct authority *other = authority_create("Another authority");
    struct tls_server *server = server_with(&(struct wish){.alt_names = "DNS:server.test"}, other);
    struct tls_client *anyone = new_client(&(struct tls_client_plan){.insecure = true});
    struct tls_client *of_the_system = new_client(&(struct tls_client_plan){0});
    (void)state;
    expect_verdict(server, world.client, "server.test", "certificate is by an unknown authority");
    expect_verdict(server, of_the_system, "server.test", "certificate is by an unknown authority");
    expect_verdict(server, anyone, "server.test", NULL);
    expect_verdict(server, anyone, "other.test", NULL);
    tls_client_destroy(of_the_system);
    tls_client_destroy(anyone);
    tls_server_destroy(server);
    authority_destroy(other);
}

/* The server was told when its certificate had just begun, or was about to end. */
static void server_learns_why_it_is_refused(void **state)
{
    struct authority *other = authority_create("Another authority");
    struct tls_server *server = server_with(&(struct wish){.alt_names = "DNS:server.test"}, other);
    struct ends ends;
    (void)state;
    ends_open(&ends, server, world.client, "server.test", NULL);
    assert_int_equal(ends_shake(&ends).server, STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.server), "refused: unknown CA");
    ends_close(&ends);
    tls_server_destroy(server);
    authority_destroy(other);
}

/* OpenSSL numbers what fails in itself beyond all alerts. */
static void own_fault_is_no_refusal(void **state)
{
    char text[TLS_WRONG];
    (void)state;
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    reason_of_queue(text, sizeof(text));
    assert_string_equal(text, "internal error");
}

/* --- what both can do ------------------------------------------------------------------------- */

static void versions_have_to_meet(void **state)
{
    struct tls_server *server = new_server(
        &(struct tls_server_plan){.pairs = &world.pair, .pair_count = 1, .oldest = TLS_1_3});
    struct ends ends;
    (void)state;
    expect_verdict(server, world.client, "server.test", NULL);
    ends_open(&ends, server, world.older, "server.test", NULL);
    struct outcomes came = ends_shake(&ends);
    assert_int_equal(came.server, STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.server), "has no version of TLS in common with us");
    assert_int_equal(came.client, STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.client), "refused: protocol version");
    ends_close(&ends);
    tls_server_destroy(server);
}

static SSL_CTX *strange_context(const char *protocols)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (protocols != NULL) {
        SSL_CTX_set_alpn_protos(context, (const unsigned char *)protocols,
                                (unsigned)strlen(protocols));
    }
    return context;
}

/* RFC 9325 4.1, 4.2: with a key for RSA, which could do without them. */
static void ciphers_are_aead_and_forward_secret(void **state)
{
    static const struct {
        const char *offered;
        bool accepted;
    } rows[] = {
        {"ECDHE-RSA-AES128-GCM-SHA256", true}, {"ECDHE-RSA-AES256-GCM-SHA384", true},
        {"ECDHE-RSA-CHACHA20-POLY1305", true}, {"AES128-GCM-SHA256", false},
        {"AES256-SHA256:AES128-SHA", false},   {"ECDHE-RSA-AES128-SHA256", false},
        {"ECDHE-RSA-AES256-SHA", false},
    };
    struct tls_server *server =
        server_with(&(struct wish){.alt_names = "DNS:server.test", .rsa = true}, world.authority);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ends ends;
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        assert_int_equal(SSL_CTX_set_cipher_list(context, rows[i].offered), 1);
        ends_open(&ends, server, NULL, NULL, NULL);
        SSL *ssl = stranger(&ends, context);
        struct outcomes came = stranger_shake(&ends, ssl);
        assert_int_equal(came.server, rows[i].accepted ? 0 : STREAM_BROKEN);
        if (!rows[i].accepted) {
            assert_string_equal(tls_reason(&ends.server), "has no cipher in common with us");
        }
        ERR_clear_error();
        SSL_free(ssl);
        ends_close(&ends);
    }
    tls_server_destroy(server);
}

/* RFC 7301 3.2, 6 */
static void protocol_is_http_1_or_none(void **state)
{
    static const struct {
        const char *offered;
        const char *chosen; /* NULL: refused */
    } rows[] = {
        {NULL, ""},
        {"\x08http/1.1", "http/1.1"},
        {"\x02h2\x08http/1.1", "http/1.1"},
        {"\x08http/1.0\x08http/1.1", "http/1.1"},
        {"\x08http/1.0\x02h2", "http/1.0"},
        {"\x02h2", NULL},
        {"\x09http/1.1x", NULL},
        {"\x07http/1.", NULL},
        {"\x08http/0.9", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ends ends;
        const unsigned char *chosen;
        unsigned size;
        const char *wanted = rows[i].chosen != NULL ? rows[i].chosen : "";
        ends_open(&ends, world.server, NULL, NULL, NULL);
        SSL *ssl = stranger(&ends, strange_context(rows[i].offered));
        struct outcomes came = stranger_shake(&ends, ssl);
        assert_int_equal(came.server, rows[i].chosen != NULL ? 0 : STREAM_BROKEN);
        SSL_get0_alpn_selected(ssl, &chosen, &size);
        assert_int_equal(size, strlen(wanted));
        assert_memory_equal(size > 0 ? (const char *)chosen : "", wanted, size);
        if (rows[i].chosen == NULL) {
            assert_string_equal(tls_reason(&ends.server),
                                "asks for other protocols than HTTP/1 (ALPN)");
            assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
                             SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        }
        ERR_clear_error();
        SSL_free(ssl);
        ends_close(&ends);
    }
}

/* What costs a server much more than its client is not spoken. */
static void key_exchange_costs_little(void **state)
{
    static const struct {
        const char *groups;
        int came;
    } rows[] = {{"X25519", 0},
                {"P-256", 0},
                {"P-521", 0},
                {"ffdhe2048", STREAM_BROKEN},
                {"ffdhe8192", STREAM_BROKEN},
                {"ffdhe8192:P-384", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ends ends;
        ends_open(&ends, world.server, NULL, NULL, NULL);
        SSL *ssl = stranger(&ends, strange_context(NULL));
        assert_int_equal(SSL_set1_groups_list(ssl, rows[i].groups), 1);
        assert_int_equal(stranger_shake(&ends, ssl).server, rows[i].came);
        ERR_clear_error();
        SSL_free(ssl);
        ends_close(&ends);
    }
}

/* --- several certificates --------------------------------------------------------------------- */

/* The CN of what the server shows to who asks for this name, and the kind of its key. */
static int shown_to(struct tls_server *server, const char *name, const char *kinds, char *shown)
{
    struct ends ends;
    ends_open(&ends, server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(NULL));
    if (name != NULL) {
        SSL_set_tlsext_host_name(ssl, name);
    }
    if (kinds != NULL) {
        assert_int_equal(SSL_set1_sigalgs_list(ssl, kinds), 1);
    }
    struct outcomes came = stranger_shake(&ends, ssl);
    assert_string_equal(tls_reason(&ends.server), "");
    assert_int_equal(came.server, 0);
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, shown, 64);
    int kind = EVP_PKEY_get_base_id(X509_get0_pubkey(certificate));
    SSL_free(ssl);
    ends_close(&ends);
    return kind;
}

static void certificate_is_chosen_by_name(void **state)
{
    static const struct wish wishes[] = {
        {.name = "first", .alt_names = "DNS:first.test,DNS:*.first.test"},
        {.name = "wild", .alt_names = "DNS:*.second.test"},
        {.name = "exact", .alt_names = "DNS:a.second.test"},
        {.name = "plain.test"},
    };
    static const struct {
        const char *asked, *shown;
    } rows[] = {
        {"first.test", "first"},      {"a.first.test", "first"},
        {"a.second.test", "exact"},   {"A.Second.TEST", "exact"},
        {"b.second.test", "wild"},    {"second.test", "first"},
        {"b.a.second.test", "first"}, {"plain.test", "plain.test"},
        {"unknown.test", "first"},    {"test", "first"},
        {".second.test", "first"},    {NULL, "first"},
    };
    struct tls_pair pairs[4];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        pairs[i] = authority_issue(world.authority, &wishes[i]);
    }
    struct tls_server *server =
        new_server(&(struct tls_server_plan){.pairs = pairs, .pair_count = 4});
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char shown[64] = "";
        shown_to(server, rows[i].asked, NULL, shown);
        assert_string_equal(shown, rows[i].shown);
    }
    tls_server_destroy(server);
    for (size_t i = 0; i < 4; i++) {
        authority_free_pair(&pairs[i]);
    }
}

/* Old clients know RSA alone, new ones prefer what is smaller. */
static void kinds_of_key_stand_side_by_side(void **state)
{
    char shown[64];
    struct tls_pair pairs[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        pairs[i] = authority_issue(world.authority, &(struct wish){.name = i == 0 ? "rsa" : "ecdsa",
                                                                   .alt_names = "DNS:server.test",
                                                                   .rsa = i == 0});
    }
    struct tls_server *server =
        new_server(&(struct tls_server_plan){.pairs = pairs, .pair_count = 2});
    assert_int_equal(shown_to(server, "server.test", "RSA-PSS+SHA256", shown), EVP_PKEY_RSA);
    assert_int_equal(shown_to(server, "server.test", "ECDSA+SHA256", shown), EVP_PKEY_EC);
    tls_server_destroy(server);
    for (int i = 0; i < 2; i++) {
        authority_free_pair(&pairs[i]);
    }
}

/* --- certificates of clients ------------------------------------------------------------------ */

static void client_without_a_certificate_is_refused(void **state)
{
    struct tls_server *server = new_server(
        &(struct tls_server_plan){.pairs = &world.pair, .pair_count = 1, .client_ca = world.ca});
    struct ends ends;
    char byte;
    (void)state;
    ends_open(&ends, server, world.client, "server.test", NULL);
    struct outcomes came = ends_shake(&ends);
    assert_int_equal(came.server, STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.server), "sent no certificate");
    assert_int_equal(came.client, 0); /* which was done before the server could know */
    assert_int_equal(stream_receive(&ends.client, &byte, 1), STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.client), "refused: certificate required");
    ends_close(&ends);
    ends_open(&ends, server, world.older, "server.test", NULL);
    came = ends_shake(&ends);
    assert_int_equal(came.server, STREAM_BROKEN);
    assert_int_equal(came.client, STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.client), "refused: handshake failure");
    ends_close(&ends);
    tls_server_destroy(server);
}

/* Behind its handshake a client of TLS 1.3 sends at once, to a server that may have left already.
 */
static void why_it_is_refused_is_told_though_nothing_can_be_sent(void **state)
{
    struct tls_server *server = new_server(
        &(struct tls_server_plan){.pairs = &world.pair, .pair_count = 1, .client_ca = world.ca});
    struct ends ends;
    char byte = 'x';
    struct iovec piece = {&byte, 1};
    (void)state;
    ends_open(&ends, server, world.client, "server.test", NULL);
    assert_int_equal(ends_shake(&ends).server, STREAM_BROKEN);
    stream_finish(&ends.server);
    close(ends.server.fd);
    assert_int_equal(stream_send(&ends.client, &piece, 1, false), -EPIPE);
    assert_string_equal(tls_reason(&ends.client), "Broken pipe");
    assert_int_equal(stream_receive(&ends.client, &byte, 1), STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.client), "refused: certificate required");
    stream_finish(&ends.client);
    close(ends.client.fd);
    tls_server_destroy(server);
}

static void client_shows_its_certificate(void **state)
{
    struct authority *other = authority_create("Another authority");
    struct tls_server *server = new_server(
        &(struct tls_server_plan){.pairs = &world.pair, .pair_count = 1, .client_ca = world.ca});
    (void)state;
    for (int fine = 0; fine < 2; fine++) {
        struct ends ends;
        struct tls_pair own =
            authority_issue(fine ? world.authority : other, &(struct wish){.name = "client"});
        struct tls_client *client =
            new_client(&(struct tls_client_plan){.ca = world.ca, .own = own});
        ends_open(&ends, server, client, "server.test", NULL);
        struct outcomes came = ends_shake(&ends);
        assert_int_equal(came.server, fine ? 0 : STREAM_BROKEN);
        assert_string_equal(tls_reason(&ends.server),
                            fine ? "" : "certificate is by an unknown authority");
        ends_close(&ends);
        tls_client_destroy(client);
        authority_free_pair(&own);
    }
    tls_server_destroy(server);
    authority_destroy(other);
}

/* --- OCSP ------------------------------------------------------------------------------------- */

/* Takes the response over; whether a client got it that asked for it. */
static bool is_stapled(struct tls_file response, int wait_s)
{
    struct tls_pair pair = world.pair;
    struct ends ends;
    const unsigned char *got;
    char wrong[TLS_WRONG];
    pair.ocsp = response;
    struct tls_server *server =
        tls_server_create(&(struct tls_server_plan){.pairs = &pair, .pair_count = 1}, wrong);
    assert_non_null(server);
    nanosleep(&(struct timespec){wait_s, 0}, NULL);
    ends_open(&ends, server, NULL, NULL, NULL);
    SSL *ssl = stranger(&ends, strange_context(NULL));
    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    assert_int_equal(stranger_shake(&ends, ssl).server, 0);
    long size = SSL_get_tlsext_status_ocsp_resp(ssl, &got);
    if (size >= 0) {
        assert_int_equal(size, response.size);
        assert_memory_equal(got, response.bytes, response.size);
    }
    SSL_free(ssl);
    ends_close(&ends);
    tls_server_destroy(server);
    tls_file_free(&response);
    return size >= 0;
}

static void ocsp_response_is_stapled_while_it_is_good(void **state)
{
    (void)state;
    assert_true(is_stapled(authority_vouch(world.authority, &world.pair, true, 0), 0));
    assert_false(is_stapled((struct tls_file){0}, 0));
    assert_false(is_stapled(authority_vouch(world.authority, &world.pair, true, -DAY_S), 0));
    assert_false(is_stapled(authority_vouch(world.authority, &world.pair, true, 1), 2));
}

/* Each has its own authority's word, or none, and never that of the other. */
static void ocsp_response_goes_with_its_certificate(void **state)
{
    (void)state;
    for (int vouched = 0; vouched < 4; vouched++) {
        struct tls_pair pairs[2];
        for (int i = 0; i < 2; i++) {
            const struct wish wish = {.alt_names = "DNS:server.test", .rsa = i == 0};
            pairs[i] = authority_issue(world.authority, &wish);
            if (vouched & 1 << i) {
                pairs[i].ocsp = authority_vouch(world.authority, &pairs[i], true, 0);
            }
        }
        struct tls_server *server =
            new_server(&(struct tls_server_plan){.pairs = pairs, .pair_count = 2});
        for (int i = 0; i < 2; i++) {
            struct ends ends;
            const unsigned char *got;
            ends_open(&ends, server, NULL, NULL, NULL);
            SSL *ssl = stranger(&ends, strange_context(NULL));
            SSL_set1_sigalgs_list(ssl, i == 0 ? "RSA-PSS+SHA256" : "ECDSA+SHA256");
            SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
            SSL_set_tlsext_host_name(ssl, "server.test");
            assert_int_equal(stranger_shake(&ends, ssl).server, 0);
            long size = SSL_get_tlsext_status_ocsp_resp(ssl, &got);
            assert_int_equal(size, vouched & 1 << i ? (long)pairs[i].ocsp.size : -1);
            if (size > 0) {
                assert_memory_equal(got, pairs[i].ocsp.bytes, (size_t)size);
            }
            SSL_free(ssl);
            ends_close(&ends);
        }
        tls_server_destroy(server);
        for (int i = 0; i < 2; i++) {
            authority_free_pair(&pairs[i]);
        }
    }
}

/* Takes the response over. */
static void expect_ocsp(struct tls_file response, bool accepted, const char *message)
{
    struct tls_pair pair = world.pair;
    char wrong[TLS_WRONG];
    pair.ocsp = response;
    struct tls_server *server =
        tls_server_create(&(struct tls_server_plan){.pairs = &pair, .pair_count = 1}, wrong);
    assert_string_equal(wrong, message);
    assert_int_equal(server != NULL, accepted);
    tls_server_destroy(server);
    tls_file_free(&response);
}

static void ocsp_is_a_word_on_this_certificate(void **state)
{
    /* RFC 6960 4.2.1: an OCSPResponse of responseStatus tryLater (3), without responseBytes */
    static const char later[] = "\x30\x03\x0a\x01\x03";
    struct tls_pair other = authority_issue(world.authority, &(struct wish){.name = "other"});
    (void)state;
    expect_ocsp(text_file("site.ocsp", "-----BEGIN OCSP RESPONSE-----\n"), false,
                "site.ocsp: is not an OCSP response (DER is wanted)");
    expect_ocsp(text_file("site.ocsp", later), false,
                "site.ocsp: is an OCSP response without an answer: trylater");
    expect_ocsp(authority_vouch(world.authority, &other, true, 0), false,
                "ocsp.der: is an OCSP response about another certificate");
    expect_ocsp(authority_vouch(world.authority, &world.pair, false, 0), false,
                "ocsp.der: says that the certificate is not good");
    expect_ocsp(authority_vouch(world.authority, &world.pair, true, -DAY_S), true,
                "ocsp.der: is out of date, and not used");
    expect_ocsp(authority_vouch(world.authority, &world.pair, true, 0), true, "");
    authority_free_pair(&other);
}

/* --- lives ------------------------------------------------------------------------------------ */

static void connections_outlive_their_context(void **state)
{
    struct ends ends;
    struct tls_pair pairs[2] = {
        world.pair,
        authority_issue(world.authority, &(struct wish){.alt_names = "DNS:second.test"})};
    struct tls_server *server =
        new_server(&(struct tls_server_plan){.pairs = pairs, .pair_count = 2});
    struct tls_client *client = new_client(&(struct tls_client_plan){.ca = world.ca});
    (void)state;
    ends_open(&ends, server, client, "second.test", NULL);
    assert_int_equal(tls_handshake(&ends.client), STREAM_WANT_READ);
    tls_server_destroy(server);
    tls_client_destroy(client);
    ends_meet(&ends);
    send_text(&ends.server, "answer");
    expect_text(&ends.client, "answer");
    ends_close(&ends);
    authority_free_pair(&pairs[1]);
    tls_server_destroy(NULL);
    tls_client_destroy(NULL);
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    world_create(&world);
    suite_add(suite, CASE(files_without_pem_are_named));
    suite_add(suite, CASE(chain_that_breaks_off_is_told));
    suite_add(suite, CASE(key_of_another_certificate_is_refused));
    suite_add(suite, CASE(certificate_for_the_key_comes_first));
    suite_add(suite, CASE(certificate_has_its_time));
    suite_add(suite, CASE(encrypted_key_is_refused_and_nobody_asked));
    suite_add(suite, CASE(one_file_may_hold_both));
    suite_add(suite, CASE(authorities_have_to_be_pem));
    suite_add(suite, CASE(names_and_addresses_are_checked));
    suite_add(suite, CASE(what_is_no_name_is_not_asked_for));
    suite_add(suite, CASE(common_name_counts_where_no_other_is));
    suite_add(suite, CASE(wildcard_is_a_whole_label));
    suite_add(suite, CASE(many_names_are_told_as_far_as_there_is_room));
    suite_add(suite, CASE(a_name_is_told_without_what_no_name_has));
    suite_add(suite, CASE(unknown_authority_is_refused));
    suite_add(suite, CASE(server_learns_why_it_is_refused));
    suite_add(suite, CASE(own_fault_is_no_refusal));
    suite_add(suite, CASE(versions_have_to_meet));
    suite_add(suite, CASE(ciphers_are_aead_and_forward_secret));
    suite_add(suite, CASE(key_exchange_costs_little));
    suite_add(suite, CASE(protocol_is_http_1_or_none));
    suite_add(suite, CASE(certificate_is_chosen_by_name));
    suite_add(suite, CASE(kinds_of_key_stand_side_by_side));
    suite_add(suite, CASE(client_without_a_certificate_is_refused));
    suite_add(suite, CASE(why_it_is_refused_is_told_though_nothing_can_be_sent));
    suite_add(suite, CASE(client_shows_its_certificate));
    suite_add(suite, CASE(ocsp_response_is_stapled_while_it_is_good));
    suite_add(suite, CASE(ocsp_response_goes_with_its_certificate));
    suite_add(suite, CASE(ocsp_is_a_word_on_this_certificate));
    suite_add(suite, CASE(connections_outlive_their_context));
    suite_frame(suite, descriptors_count, descriptors_compare);
    int failed = suite_run(suite, "tls/contexts");
    free(suite);
    world_destroy(&world);
    return failed;
}
