/* What OpenSSL's calls came to, as a stream tells it. */
#include "lib/tls/carrier.h"

#include "lib/tls/reason.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

void link_set_reason(struct link *link, const char *text)
{
    if (link->reason == NULL || link->vague) {
        free(link->reason);
        link->reason = strdup(text);
        link->vague = false;
    }
}

void link_set_vague_reason(struct link *link, int error)
{
    if (link->reason == NULL) {
        link->reason = strdup(strerror(error));
        link->vague = true;
    }
}

/* The client's first bytes are no record of TLS but the beginning of a line. */
static bool is_plain_http(const struct link *link, int reason)
{
    return link->serves && (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST ||
                            (reason == SSL_R_WRONG_VERSION_NUMBER && link->wire.first >= 'A' &&
                             link->wire.first <= 'Z'));
}

static int fail_of_queue(struct link *link)
{
    char text[TLS_WRONG];
    int reason = reason_of_queue(text, sizeof(text));
    bool plain = SSL_in_init(link->ssl) && is_plain_http(link, reason);
    link_set_reason(link, plain ? "spoke plain HTTP" : text);
    link->broken = plain ? TLS_PLAIN_HTTP : STREAM_BROKEN;
    return link->broken;
}

static int fail_of_wire(struct link *link)
{
    int error = link->wire.error;
    if (error == 0 && link->wire.ended) {
        link_set_reason(link, SSL_in_init(link->ssl) ? "closed during the handshake"
                                                     : "closed without an end of TLS");
        return STREAM_TRUNCATED;
    }
    error = error != 0 ? error : EPIPE;
    link_set_vague_reason(link, error);
    return -error;
}

void link_begin(struct link *link)
{
    ERR_clear_error();
    link->wire.error = 0;
    link->wire.full = 0;
}

int link_came_of(struct link *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return link->wire.error == EINTR ? -EINTR : STREAM_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return link->wire.error == EINTR ? -EINTR : STREAM_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return fail_of_wire(link);
    default:
        return fail_of_queue(link);
    }
}

int link_came_of_receiving(struct link *link, int result)
{
    int came = link_came_of(link, result);
    return came == -EINTR && SSL_want(link->ssl) == SSL_WRITING ? STREAM_WANT_WRITE : came;
}
