#include "lib/tls/client.h"

#include "lib/tls/contexts.h"
#include "lib/tls/pem.h"
#include "lib/tls/reason.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

/* --- the context ------------------------------------------------------------------------------ */

static bool trust(SSL_CTX *context, const struct tls_client_plan *plan, char wrong[TLS_WRONG])
{
    if (plan->insecure) {
        return true; /* SSL_VERIFY_NONE is the default */
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, link_on_verdict);
    if (plan->ca.bytes != NULL) {
        return context_trust(context, &plan->ca, wrong);
    }
    return SSL_CTX_set_default_verify_paths(context) == 1 ||
           wrong_say(wrong, "the system's authorities cannot be read");
}

static bool present(SSL_CTX *context, const struct tls_pair *pair, char wrong[TLS_WRONG])
{
    if (pair->chain.bytes == NULL) {
        return true;
    }
    STACK_OF(X509) *chain = pem_certificates(&pair->chain, wrong);
    EVP_PKEY *key = chain == NULL ? NULL : pem_key(&pair->key, wrong);
    bool used = key != NULL && pem_fits(pair, chain, key, wrong) &&
                context_use(context, pair, chain, key, wrong);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return used;
}

/* Sessions are not kept by OpenSSL: its store has a lock, and one session for each name is enough.
 */
static bool prepare(SSL_CTX *context, const struct tls_client_plan *plan, char wrong[TLS_WRONG])
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, link_on_session);
    if (SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1) != 0) {
        return wrong_say(wrong, "no memory for TLS");
    }
    return trust(context, plan, wrong) && present(context, &plan->own, wrong);
}

struct tls_client *tls_client_create(const struct tls_client_plan *plan, char wrong[TLS_WRONG])
{
    struct tls_client *client = malloc(sizeof(*client));
    SSL_CTX *context = context_create(TLS_client_method(), TLS_1_2);
    *wrong = '\0';
    if (client == NULL || context == NULL) {
        wrong_say(wrong, "no memory for TLS");
    } else if (prepare(context, plan, wrong)) {
        client->context = context;
        ERR_clear_error();
        return client;
    }
    ERR_clear_error();
    SSL_CTX_free(context);
    free(client);
    return NULL;
}

void tls_client_destroy(struct tls_client *client)
{
    if (client != NULL) {
        SSL_CTX_free(client->context);
        free(client);
    }
}

/* --- sessions --------------------------------------------------------------------------------- */

/* A session in use belongs to one connection and its thread, which may write to it as long as it
 * lasts: what is kept is a copy that nobody uses, and what is taken is a copy of that. */
struct tls_recall {
    pthread_mutex_t lock; /* guards the pointer, and the session while it is copied; a leaf */
    SSL_SESSION *session;
};

struct tls_recall *tls_recall_create(void)
{
    struct tls_recall *recall = calloc(1, sizeof(*recall));
    if (recall != NULL) {
        pthread_mutex_init(&recall->lock, NULL);
    }
    return recall;
}

void tls_recall_destroy(struct tls_recall *recall)
{
    if (recall != NULL) {
        SSL_SESSION_free(recall->session);
        pthread_mutex_destroy(&recall->lock);
        free(recall);
    }
}

SSL_SESSION *recall_take(struct tls_recall *recall)
{
    pthread_mutex_lock(&recall->lock);
    SSL_SESSION *session = recall->session != NULL && SSL_SESSION_is_resumable(recall->session)
                               ? SSL_SESSION_dup(recall->session)
                               : NULL;
    pthread_mutex_unlock(&recall->lock);
    return session;
}

void recall_keep(struct tls_recall *recall, SSL_SESSION *session)
{
    SSL_SESSION *own = SSL_SESSION_dup(session);
    if (own == NULL) {
        ERR_clear_error(); /* it is no error of the call that this happens in */
        return;            /* the one before will do */
    }
    pthread_mutex_lock(&recall->lock);
    SSL_SESSION *before = recall->session;
    recall->session = own;
    pthread_mutex_unlock(&recall->lock);
    SSL_SESSION_free(before);
}
