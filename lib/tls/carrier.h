/* What carries a stream over TLS, in its parts: what came of OpenSSL's calls (outcome.c), receiving
 * (receive.c), sending (send.c), and all else (link.c). Of this room. */
#pragma once

#include "lib/tls/init.h"
#include "lib/tls/link.h"
#include "lib/tls/wire.h"

#include <openssl/ssl.h>

enum {
    LARGEST_RECORD = 16384,
    /* So much is sent in small records at first and after a silence, when TCP too begins anew with
     * a window of about this size; then in the largest ones, which cost the least. */
    QUICK_BYTES = 16384,
};

struct link {
    struct stream_carrier carrier;
    SSL *ssl;
    char *reason; /* NULL: nothing failed, or there was no memory for it */
    struct tls_recall *recall;
    struct wire wire;
    uint32_t sent_ms;    /* when something was last sent, by a clock that turns over */
    uint32_t pending;    /* bytes that were encrypted, but have not all left; */
    uint32_t told;       /* so many of these the caller was told of already */
    uint16_t quick_left; /* of QUICK_BYTES */
    uint16_t record;     /* the largest that the peer takes */
    unsigned messages;   /* of TLS's own that came behind the last bytes */
    bool serves;
    bool met;       /* the handshake is done */
    bool vague;     /* the reason tells that the wire failed, and not why */
    bool has_end;   /* close_notify was sent */
    int broken;     /* what all calls come to from now on; 0: nothing is broken */
    int unsendable; /* what calls that send come to; what has come may still be received */
    int later;      /* what the next receive has to tell: 1 an end, below 0 a failure */
};

static inline struct link *link_of(const struct stream *stream)
{
    return (struct link *)stream->carrier;
}

static inline struct link *link_of_ssl(const SSL *ssl)
{
    struct wire *wire = wire_of(SSL_get_rbio(ssl));
    return (struct link *)((char *)wire - offsetof(struct link, wire));
}

/* Whether what is sent comes to the kernel as it is. */
static inline bool link_kernel_encrypts(const struct link *link)
{
    return tls_kernel_helps() && BIO_get_ktls_send(SSL_get_wbio(link->ssl));
}

/* Before each call of OpenSSL that may fail: what it says of that one is all that is in its queue.
 */
void link_begin(struct link *link);

/* What a call came to that did not do what it was asked for. 0: the peer has said that it ends. */
int link_came_of(struct link *link, int result);
/* The same of a call that is to receive: a signal that ended a wait for room to send is told as
 * that wait. */
int link_came_of_receiving(struct link *link, int result);

/* The first one is the cause of the others; but where nothing could be sent any more, what the peer
 * said before it left tells why. */
void link_set_reason(struct link *link, const char *text);
void link_set_vague_reason(struct link *link, int error);

/* The calls of the stream. */
ssize_t link_receive(struct stream *stream, void *to, size_t size);
ssize_t link_discard(struct stream *stream, size_t size, void *scratch, size_t scratch_size);
bool link_holds(const struct stream *stream);
ssize_t link_send(struct stream *stream, const struct iovec *pieces, int count, bool more);
ssize_t link_send_file(struct stream *stream, int file, uint64_t offset, size_t size);
int link_end(struct stream *stream);
