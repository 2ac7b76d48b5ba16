/* Each pair has a context; the first one is what connections begin with, and knows the others. */
#include "lib/tls/server.h"

#include "lib/base/clock.h"
#include "lib/tls/contexts.h"
#include "lib/tls/ocsp.h"
#include "lib/tls/pem.h"
#include "lib/tls/reason.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another context, for some names. */
struct choice {
    struct choice *next;
    SSL_CTX *context;
    char *names; /* as pem_names() returns them */
    int kind;    /* of the key: EVP_PKEY_RSA */
    bool joined; /* by one of another kind */
};

/* An authority's word on one certificate, to be stapled to it. */
struct staple {
    struct staple *next;
    const X509 *certificate; /* the context's */
    int64_t until_s;
    size_t size;
    unsigned char bytes[];
};

/* What belongs to a context, and goes with it. */
struct belongings {
    struct tls_tickets *tickets;
    struct staple *staples; /* of its certificates, of which there may be two */
    struct choice *choices; /* of the front: in the order of the pairs, itself included */
};

static int belongings_index = -1;

static struct belongings *belongings_of(const SSL_CTX *context)
{
    return SSL_CTX_get_ex_data(context, belongings_index);
}

static void on_context_free(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long more,
                            void *argument)
{
    struct belongings *belongings = pointer;
    (void)data;
    (void)index;
    (void)more;
    (void)argument;
    if (belongings == NULL) {
        return;
    }
    while (belongings->choices != NULL) {
        struct choice *choice = belongings->choices;
        belongings->choices = choice->next;
        if (choice->context != parent) { /* it holds itself by no reference */
            SSL_CTX_free(choice->context);
        }
        free(choice->names);
        free(choice);
    }
    while (belongings->staples != NULL) {
        struct staple *staple = belongings->staples;
        belongings->staples = staple->next;
        free(staple);
    }
    tls_tickets_release(belongings->tickets);
    free(belongings);
}

bool server_init(void)
{
    belongings_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_free);
    return belongings_index >= 0;
}

/* --- what OpenSSL asks ------------------------------------------------------------------------ */

static bool offers(const unsigned char *offered, unsigned size, const char *protocol)
{
    size_t length = strlen(protocol);
    for (unsigned at = 0; at < size; at += 1u + offered[at]) {
        if (offered[at] == length && size - at > length &&
            memcmp(offered + at + 1, protocol, length) == 0) {
            return true;
        }
    }
    return false;
}

/* RFC 7301 3.2: who offers nothing that we speak gets an alert, not another protocol. The names are
 * those of RFC 7301 6. */
static int on_protocols(SSL *ssl, const unsigned char **chosen, unsigned char *size,
                        const unsigned char *offered, unsigned offered_size, void *argument)
{
    static const char *const ours[] = {"http/1.1", "http/1.0"};
    (void)ssl;
    (void)argument;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (offers(offered, offered_size, ours[i])) {
            *chosen = (const unsigned char *)ours[i];
            *size = (unsigned char)strlen(ours[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int encrypts)
{
    struct belongings *belongings = belongings_of(SSL_get_SSL_CTX(ssl));
    return tickets_key(belongings->tickets, name, iv, cipher, mac, encrypts != 0);
}

/* A session is no better than the certificate that it began with. */
static bool has_expired(const SSL_SESSION *session)
{
    X509 *certificate = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    return certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

/* In TLS 1.3 each ticket is for one connection, and another comes with it (RFC 8446 C.4). OpenSSL
 * begins its time anew then, and fails where it has none; what is left of that of the first one is
 * all that they share. */
static SSL_TICKET_RETURN on_session_offered(SSL *ssl, SSL_SESSION *session,
                                            const unsigned char *name, size_t name_size,
                                            SSL_TICKET_STATUS status, void *argument)
{
    (void)name;
    (void)name_size;
    (void)argument;
    bool known = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    if (!known || has_expired(session)) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    if (SSL_version(ssl) < TLS1_3_VERSION) {
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
    }
    long now_s = (long)clock_wall_s();
    long left_s = SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session) - now_s;
    if (left_s <= 0) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    SSL_SESSION_set_time(session, now_s);
    SSL_SESSION_set_timeout(session, left_s);
    return SSL_TICKET_RETURN_USE_RENEW;
}

/* Asked once it is known which certificate is shown. */
static int on_status(SSL *ssl, void *argument)
{
    const struct staple *staple = belongings_of(SSL_get_SSL_CTX(ssl))->staples;
    const X509 *shown = SSL_get_certificate(ssl);
    (void)argument;
    while (staple != NULL && staple->certificate != shown) {
        staple = staple->next;
    }
    if (staple == NULL || clock_wall_s() >= staple->until_s) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    unsigned char *copy = OPENSSL_memdup(staple->bytes, staple->size);
    if (copy == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->size);
    return SSL_TLSEXT_ERR_OK;
}

static bool names_have(const char *names, const char *name, size_t length)
{
    for (; *names != '\0'; names += strlen(names) + 1) {
        if (strlen(names) == length && strncasecmp(names, name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* RFC 6125 6.4.3: a wildcard stands for the whole of the first label, and no more. */
static bool names_cover(const char *names, const char *name)
{
    const char *rest = strchr(name, '.');
    for (; rest != NULL && *names != '\0'; names += strlen(names) + 1) {
        if (names[0] == '*' && names[1] == '.' && strcasecmp(names + 1, rest) == 0) {
            return rest != name;
        }
    }
    return false;
}

static SSL_CTX *choose(const struct choice *choices, const char *name)
{
    for (const struct choice *choice = choices; choice != NULL; choice = choice->next) {
        if (names_have(choice->names, name, strlen(name))) {
            return choice->context;
        }
    }
    for (const struct choice *choice = choices; choice != NULL; choice = choice->next) {
        if (names_cover(choice->names, name)) {
            return choice->context;
        }
    }
    return choices->context;
}

static int on_name(SSL *ssl, int *alert, void *front)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (name == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    SSL_CTX *context = choose(belongings_of(front)->choices, name);
    if (context != front && SSL_set_SSL_CTX(ssl, context) == NULL) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}

/* --- making a context ------------------------------------------------------------------------- */

/* A ticket is taken only by who asks the same of clients: one that was got without a certificate is
 * worth nothing where one is wanted, nor one that another authority stood for. */
static bool bind_sessions(SSL_CTX *context, const struct tls_file *client_ca)
{
    unsigned char id[SHA256_DIGEST_LENGTH] = "cristo";
    if (client_ca->bytes != NULL) {
        SHA256((const unsigned char *)client_ca->bytes, client_ca->size, id);
    }
    return SSL_CTX_set_session_id_context(context, id, sizeof(id)) == 1;
}

/* With the names of the authorities, a client knows which of its certificates to present. */
static bool ask_clients(SSL_CTX *context, const struct tls_file *ca, char wrong[TLS_WRONG])
{
    if (ca->bytes == NULL) {
        return true;
    }
    STACK_OF(X509) *authorities = pem_certificates(ca, wrong);
    if (authorities == NULL || !context_trust(context, ca, wrong)) {
        sk_X509_pop_free(authorities, X509_free);
        return false;
    }
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        SSL_CTX_add_client_CA(context, sk_X509_value(authorities, i));
    }
    sk_X509_pop_free(authorities, X509_free);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, link_on_verdict);
    return true;
}

static bool give_belongings(SSL_CTX *context, struct tls_tickets *tickets)
{
    struct belongings *belongings = calloc(1, sizeof(*belongings));
    if (belongings == NULL || SSL_CTX_set_ex_data(context, belongings_index, belongings) != 1) {
        free(belongings);
        return false;
    }
    belongings->tickets = tickets_hold(tickets);
    return true;
}

/* Whether it may be spoken over TLS 1.2 (RFC 9325 4.1, 4.2): what was recorded stays secret when
 * the key of the certificate becomes known, and nothing is to be learnt from how padding is
 * refused. */
static bool is_sound(const SSL_CIPHER *cipher)
{
    int exchange = SSL_CIPHER_get_kx_nid(cipher);
    return SSL_CIPHER_is_aead(cipher) && (exchange == NID_kx_ecdhe || exchange == NID_kx_dhe);
}

/* Of the ciphers that the machine's configuration allows, those that are sound, in its order. Where
 * it allows no such one, it has its will. TLS 1.3 has a list of its own, and no other ciphers. */
static bool keep_sound_ciphers(SSL_CTX *context)
{
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(context);
    BIO *names = BIO_new(BIO_s_mem());
    bool kept = names != NULL;
    for (int i = 0; kept && i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
        kept = !is_sound(cipher) || BIO_printf(names, "%s:", SSL_CIPHER_get_name(cipher)) > 0;
    }
    char *list;
    if (kept && BIO_pending(names) > 0) {
        kept = BIO_write(names, "", 1) == 1 && BIO_get_mem_data(names, &list) > 0 &&
               SSL_CTX_set_cipher_list(context, list) == 1;
    }
    BIO_free(names);
    return kept;
}

/* OpenSSL's own list without the finite fields: of a client that has no work with it, ffdhe8192
 * asks for a hundred times as much as the others. Where the machine lacks one, it has its will. */
static void keep_cheap_groups(SSL_CTX *context)
{
    SSL_CTX_set1_groups_list(context, "X25519:P-256:X448:P-521:P-384");
    ERR_clear_error();
}

static SSL_CTX *make_context(const struct tls_server_plan *plan, struct tls_tickets *tickets,
                             char wrong[TLS_WRONG])
{
    SSL_CTX *context = context_create(TLS_server_method(), plan->oldest);
    if (context == NULL || !give_belongings(context, tickets) || !keep_sound_ciphers(context) ||
        !bind_sessions(context, &plan->client_ca)) {
        SSL_CTX_free(context);
        wrong_say(wrong, "no memory for TLS");
        return NULL;
    }
    keep_cheap_groups(context);
    SSL_CTX_set_timeout(context, TLS_TICKET_LIFE_S);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
    SSL_CTX_set_session_ticket_cb(context, NULL, on_session_offered, NULL);
    SSL_CTX_set_tlsext_status_cb(context, on_status);
    SSL_CTX_set_alpn_select_cb(context, on_protocols, NULL);
    if (!ask_clients(context, &plan->client_ca, wrong)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

/* --- pairs ------------------------------------------------------------------------------------ */

static bool has_same_names(const char *names, const char *others)
{
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1) {
        if (!names_have(others, name, strlen(name))) {
            return false;
        }
    }
    return true;
}

/* The choice that a certificate joins: of the same names, and without one for such keys so far. */
static struct choice *companion_of(struct choice *choices, const char *names, int kind)
{
    for (struct choice *choice = choices; choice != NULL; choice = choice->next) {
        if (choice->kind != kind && !choice->joined && has_same_names(names, choice->names) &&
            has_same_names(choice->names, names)) {
            return choice;
        }
    }
    return NULL;
}

/* Adds a choice behind the others; NULL when it cannot be made. The first one is the front's. */
static struct choice *add_choice(SSL_CTX *front, const struct tls_server_plan *plan,
                                 const char *names, int kind, char wrong[TLS_WRONG])
{
    struct belongings *belongings = belongings_of(front);
    struct choice **end = &belongings->choices;
    struct choice *choice = calloc(1, sizeof(*choice));
    char *copy = NULL;
    size_t size = 1;
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1) {
        size += strlen(name) + 1;
    }
    if (choice == NULL || (copy = malloc(size)) == NULL) {
        free(choice);
        wrong_say(wrong, "no memory for TLS");
        return NULL;
    }
    memcpy(copy, names, size);
    *choice = (struct choice){.names = copy, .kind = kind};
    choice->context = *end == NULL ? front : make_context(plan, belongings->tickets, wrong);
    if (choice->context == NULL) {
        free(copy);
        free(choice);
        return NULL;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = choice;
    return choice;
}

/* A client may refuse us for a response that is out of date: then none is better. */
static bool staple(SSL_CTX *context, const struct tls_file *file, const X509 *certificate,
                   char wrong[TLS_WRONG])
{
    struct belongings *belongings = belongings_of(context);
    int64_t until_s;
    if (file->bytes == NULL) {
        return true;
    }
    if (!ocsp_read(file, certificate, &until_s, wrong)) {
        return false;
    }
    if (clock_wall_s() >= until_s) {
        wrong_say(wrong, "%s: is out of date, and not used", file->name);
        return true;
    }
    struct staple *staple = malloc(sizeof(*staple) + file->size);
    if (staple == NULL) {
        return wrong_say(wrong, "no memory for TLS");
    }
    *staple = (struct staple){belongings->staples, certificate, until_s, file->size};
    memcpy(staple->bytes, file->bytes, file->size);
    belongings->staples = staple;
    return true;
}

static bool install(SSL_CTX *front, const struct tls_server_plan *plan, const struct tls_pair *pair,
                    STACK_OF(X509) * chain, EVP_PKEY *key, char wrong[TLS_WRONG])
{
    char *names = pem_names(sk_X509_value(chain, 0), false);
    if (names == NULL) {
        return wrong_say(wrong, "no memory for TLS");
    }
    int kind = EVP_PKEY_get_base_id(key);
    struct choice *choice = companion_of(belongings_of(front)->choices, names, kind);
    if (choice != NULL) {
        choice->joined = true;
    } else {
        choice = add_choice(front, plan, names, kind, wrong);
    }
    free(names);
    return choice != NULL && context_use(choice->context, pair, chain, key, wrong) &&
           staple(choice->context, &pair->ocsp, sk_X509_value(chain, 0), wrong);
}

static bool add_pair(SSL_CTX *front, const struct tls_server_plan *plan,
                     const struct tls_pair *pair, char wrong[TLS_WRONG])
{
    STACK_OF(X509) *chain = pem_certificates(&pair->chain, wrong);
    EVP_PKEY *key = chain == NULL ? NULL : pem_key(&pair->key, wrong);
    bool added = key != NULL && pem_fits(pair, chain, key, wrong) &&
                 install(front, plan, pair, chain, key, wrong);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return added;
}

static bool add_pairs(SSL_CTX *front, const struct tls_server_plan *plan, char wrong[TLS_WRONG])
{
    for (size_t i = 0; i < plan->pair_count; i++) {
        if (!add_pair(front, plan, &plan->pairs[i], wrong)) {
            return false;
        }
    }
    if (belongings_of(front)->choices->next != NULL) {
        SSL_CTX_set_tlsext_servername_callback(front, on_name);
        SSL_CTX_set_tlsext_servername_arg(front, front);
    }
    return true;
}

/* --- the server ------------------------------------------------------------------------------- */

struct tls_server *tls_server_create(const struct tls_server_plan *plan, char wrong[TLS_WRONG])
{
    struct tls_server *server = malloc(sizeof(*server));
    struct tls_tickets *tickets =
        plan->tickets != NULL ? tickets_hold(plan->tickets) : tls_tickets_create();
    SSL_CTX *front = NULL;
    *wrong = '\0';
    if (server == NULL || tickets == NULL) {
        wrong_say(wrong, "no memory for TLS");
    } else {
        front = make_context(plan, tickets, wrong);
    }
    tls_tickets_release(tickets);
    if (front == NULL || !add_pairs(front, plan, wrong)) {
        ERR_clear_error();
        SSL_CTX_free(front);
        free(server);
        return NULL;
    }
    ERR_clear_error();
    server->front = front;
    return server;
}

void tls_server_destroy(struct tls_server *server)
{
    if (server != NULL) {
        SSL_CTX_free(server->front);
        free(server);
    }
}
