#include "lib/tls/contexts.h"

#include "lib/tls/pem.h"
#include "lib/tls/reason.h"

#include <openssl/err.h>

/* Partial writes and a buffer that may move let a send be called again as a plain one is; buffers
 * that are released leave an idle connection with none; reading ahead takes a record's head and
 * body by one call. A call that found messages of TLS's own alone comes back (no AUTO_RETRY, which
 * is on of itself), so that they can be counted. */
SSL_CTX *context_create(const SSL_METHOD *method, enum tls_version oldest)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL) {
        return NULL;
    }
    /* the machine's configuration may ask for more than we do */
    int version = oldest == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (SSL_CTX_get_min_proto_version(context) < version &&
        SSL_CTX_set_min_proto_version(context, version) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     (tls_kernel_helps() ? SSL_OP_ENABLE_KTLS : 0));
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_msg_callback(context, link_on_message);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

bool context_use(SSL_CTX *context, const struct tls_pair *pair, STACK_OF(X509) * chain,
                 EVP_PKEY *key, char wrong[TLS_WRONG])
{
    char reason[TLS_WRONG / 2];
    X509 *leaf = sk_X509_shift(chain);
    bool used = SSL_CTX_use_cert_and_key(context, leaf, key, chain, 1) == 1;
    sk_X509_unshift(chain, leaf);
    if (!used) {
        reason_of_queue(reason, sizeof(reason));
        return wrong_say(wrong, "%s: cannot be used: %s", pair->chain.name, reason);
    }
    return true;
}

bool context_trust(SSL_CTX *context, const struct tls_file *ca, char wrong[TLS_WRONG])
{
    STACK_OF(X509) *authorities = pem_certificates(ca, wrong);
    bool trusted = authorities != NULL;
    for (int i = 0; trusted && i < sk_X509_num(authorities); i++) {
        X509_STORE *store = SSL_CTX_get_cert_store(context);
        trusted = X509_STORE_add_cert(store, sk_X509_value(authorities, i)) == 1;
    }
    if (authorities != NULL && !trusted) {
        wrong_say(wrong, "%s: no memory for its certificates", ca->name);
    }
    sk_X509_pop_free(authorities, X509_free);
    ERR_clear_error();
    return trusted;
}
