/* TLS beneath a stream: OpenSSL's calls, with the outcomes of plain ones. Here it begins, shakes
 * hands, and ends. */
#include "lib/tls/link.h"

#include "lib/tls/carrier.h"
#include "lib/tls/contexts.h"
#include "lib/tls/reason.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* Without this OpenSSL would take a session that was not ended properly for a bad one. */
static void link_finish(struct stream_carrier *carrier)
{
    struct link *link = (struct link *)carrier;
    if (link->ssl != NULL && !SSL_in_init(link->ssl)) {
        SSL_set_shutdown(link->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(link->ssl);
    wire_drop(&link->wire);
    free(link->reason);
    free(link);
}

/* --- begin ------------------------------------------------------------------------------------ */

static const struct stream_calls calls = {
    .receive = link_receive,
    .discard = link_discard,
    .send = link_send,
    .send_file = link_send_file,
    .end = link_end,
    .holds = link_holds,
    .finish = link_finish,
};

static struct link *link_create(int fd, SSL_CTX *context)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return NULL;
    }
    *link = (struct link){
        .carrier = {&calls},
        .ssl = SSL_new(context),
        .wire = {.fd = fd, .patient = true},
        .quick_left = QUICK_BYTES,
        .record = LARGEST_RECORD,
    };
    BIO *bio = link->ssl != NULL ? wire_bio(&link->wire) : NULL;
    if (bio == NULL) {
        link_finish(&link->carrier);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(link->ssl, bio, bio);
    return link;
}

static int put_beneath(struct stream *stream, struct link *link)
{
    stream->carrier = &link->carrier;
    stream->discards = false;
    return 0;
}

int tls_accept(struct stream *stream, struct tls_server *server)
{
    struct link *link = link_create(stream->fd, server->front);
    if (link == NULL) {
        return -ENOMEM;
    }
    link->serves = true;
    SSL_set_accept_state(link->ssl);
    return put_beneath(stream, link);
}

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* RFC 6066 3: an address is never asked for, nor the dot that a name may end with. OpenSSL takes an
 * empty name for none, and would then check nothing. */
static int ask_for(SSL *ssl, const char *host)
{
    char name[256];
    if (is_address(host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 ? 0 : -ENOMEM;
    }
    size_t length = strlen(host);
    length -= length > 0 && host[length - 1] == '.';
    if (length == 0 || length >= sizeof(name)) {
        return -EINVAL;
    }
    memcpy(name, host, length);
    name[length] = '\0';
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool asked = SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
    return asked ? 0 : -ENOMEM;
}

/* Without one, or without memory for it, there will be a full handshake. */
static void offer(SSL *ssl, struct tls_recall *recall)
{
    SSL_SESSION *session = recall_take(recall);
    if (session != NULL) {
        SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
    }
}

int tls_connect(struct stream *stream, struct tls_client *client, const char *host,
                struct tls_recall *recall)
{
    struct link *link = link_create(stream->fd, client->context);
    if (link == NULL) {
        return -ENOMEM;
    }
    link->recall = recall;
    SSL_set_connect_state(link->ssl);
    int error = host != NULL ? ask_for(link->ssl, host) : 0;
    if (error < 0) {
        link_finish(&link->carrier);
        ERR_clear_error();
        return error;
    }
    if (recall != NULL) {
        offer(link->ssl, recall);
    }
    return put_beneath(stream, link);
}

/* --- handshake -------------------------------------------------------------------------------- */

/* RFC 6066 4: a peer may have asked for smaller records. */
static uint16_t largest_record(const SSL *ssl)
{
    unsigned code = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl));
    return (uint16_t)(code >= 1 && code <= 4 ? 256u << code : LARGEST_RECORD);
}

/* In TLS 1.2 a session that is resumed may come with a new ticket, of which the callback for new
 * sessions is not told. */
static void keep_renewed(struct link *link)
{
    if (link->recall != NULL && SSL_version(link->ssl) == TLS1_2_VERSION &&
        SSL_session_reused(link->ssl)) {
        recall_keep(link->recall, SSL_get_session(link->ssl));
    }
}

int tls_handshake(struct stream *stream)
{
    struct link *link = link_of(stream);
    if (link->broken != 0) {
        return link->broken;
    }
    link_begin(link);
    link->wire.patient = true;
    link->wire.enough = false;
    link->wire.more = false;
    int result = SSL_do_handshake(link->ssl);
    if (result == 1) {
        link->met = true;
        link->wire.keeps = !link_kernel_encrypts(link);
        link->record = largest_record(link->ssl);
        link->messages = 0;
        keep_renewed(link);
        return 0;
    }
    int came = link_came_of_receiving(link, result);
    if (came == 0) {
        link_set_reason(link, "closed during the handshake");
        came = STREAM_TRUNCATED;
    }
    if (!stream_may_repeat(came)) {
        link->broken = came;
    }
    return came;
}

/* The name or address that was asked for. */
static const char *host_of(SSL *ssl, char address[INET6_ADDRSTRLEN])
{
    const char *name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
    char *text = X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(ssl));
    unsigned char bytes[16];
    *address = '\0';
    if (text != NULL) {
        int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
        if (inet_pton(family, text, bytes) == 1) {
            inet_ntop(family, bytes, address, INET6_ADDRSTRLEN); /* in its short form */
        }
        OPENSSL_free(text);
    }
    return name != NULL ? name : address;
}

int link_on_verdict(int fine, X509_STORE_CTX *verdict)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(verdict, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (fine == 0) {
        char text[TLS_WRONG], address[INET6_ADDRSTRLEN];
        reason_of_verdict(text, sizeof(text), X509_STORE_CTX_get_error(verdict),
                          X509_STORE_CTX_get_current_cert(verdict), host_of(ssl, address));
        link_set_reason(link_of_ssl(ssl), text);
    }
    return fine;
}

/* In TLS 1.3 this comes with the first bytes that are received. */
int link_on_session(SSL *ssl, SSL_SESSION *session)
{
    struct link *link = link_of_ssl(ssl);
    if (link->recall != NULL) {
        recall_keep(link->recall, session);
    }
    return 0; /* it remains OpenSSL's */
}

/* --- what there is to know -------------------------------------------------------------------- */

const char *tls_reason(const struct stream *stream)
{
    const struct link *link = link_of(stream);
    return link != NULL && link->reason != NULL ? link->reason : "";
}

const char *tls_protocol(const struct stream *stream)
{
    return stream->carrier == NULL ? "" : SSL_get_version(link_of(stream)->ssl);
}

const char *tls_cipher(const struct stream *stream)
{
    return stream->carrier == NULL ? "" : SSL_get_cipher_name(link_of(stream)->ssl);
}

bool tls_resumed(const struct stream *stream)
{
    return stream->carrier != NULL && SSL_session_reused(link_of(stream)->ssl) == 1;
}

bool tls_is_offloaded(const struct stream *stream)
{
    return stream->carrier != NULL && link_kernel_encrypts(link_of(stream));
}
