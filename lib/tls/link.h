/* TLS beneath a stream. After tls_accept() or tls_connect() and a handshake, the stream's calls are
 * the same as of a plain one, for blocking and non-blocking descriptors alike.
 *
 * A link belongs to one thread at a time, as its stream does. At rest it holds no buffers. */
#pragma once

#include "lib/net/stream.h"
#include "lib/tls/client.h"
#include "lib/tls/server.h"

/* Put TLS beneath a stream that was just adopted. 0, -ENOMEM, or -EINVAL for a host that is neither
 * a name nor an address. stream_finish() takes it away.
 *
 * `host` is what the user called the server, a name or an address without brackets: the certificate
 * has to be for it, and a name (never an address) is asked for (SNI). NULL, as with a unix socket:
 * any name will do. `recall`: its session is offered, and the server's next one kept there; NULL:
 * neither. */
int tls_accept(struct stream *stream, struct tls_server *server);
int tls_connect(struct stream *stream, struct tls_client *client, const char *host,
                struct tls_recall *recall);

enum {
    /* To a server: the client spoke plain HTTP. Nothing was sent; after stream_finish() the same
     * descriptor can be answered in plain text, though the request is not to be had any more. */
    TLS_PLAIN_HTTP = -5101,
};

/* Goes on with the handshake. 0: it is done, and the stream can be used. STREAM_WANT_*, -EINTR:
 * call again. Failed, for good: STREAM_BROKEN, STREAM_TRUNCATED (closed in the middle of it),
 * another -errno, TLS_PLAIN_HTTP; tls_reason() says more. An alert has then been sent, where there
 * is one for it: who closes with bytes unread resets the connection, and may take it from the peer.
 */
int tls_handshake(struct stream *stream);

/* Why the handshake, or a later call, failed, without a subject: "certificate has expired", "does
 * not speak TLS", "refused: unknown ca". Valid until stream_finish(); "" before anything failed,
 * and for a plain stream. */
const char *tls_reason(const struct stream *stream);

/* What was agreed on, after the handshake: static texts; "" for a plain stream. */
const char *tls_protocol(const struct stream *stream); /* "TLSv1.3" */
const char *tls_cipher(const struct stream *stream);   /* "TLS_AES_256_GCM_SHA384" */
bool tls_resumed(const struct stream *stream);         /* a session from before, by its ticket */

/* Whether the kernel encrypts what is sent. */
bool tls_is_offloaded(const struct stream *stream);
