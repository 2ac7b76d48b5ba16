/* Receiving over TLS: as many records as are there, and what comes between them. */
#include "lib/tls/carrier.h"

#include "lib/tls/contexts.h"

#include <errno.h>

enum {
    MESSAGES_MOST = 32, /* of TLS's own, one behind the other: some bring tickets or new keys */
};

/* Whether it makes sense to ask OpenSSL once more after it gave bytes. */
static bool may_have_more(const struct link *link)
{
    return !link->wire.drained || SSL_has_pending(link->ssl);
}

void link_on_message(int sent, int version, int kind, const void *bytes, size_t size, SSL *ssl,
                     void *argument)
{
    (void)version;
    (void)bytes;
    (void)size;
    (void)argument;
    if (!sent && kind == SSL3_RT_HANDSHAKE) {
        link_of_ssl(ssl)->messages++;
    }
}

/* A message of TLS's own was taken, and nothing behind it: 0 to look on, or a failure. Nobody needs
 * many; to work off what comes without an end would keep whoever shares the thread. */
static int took_message(struct link *link)
{
    if (link->messages <= MESSAGES_MOST) {
        return 0;
    }
    link_set_reason(link, "sent too many messages without content");
    link->broken = STREAM_BROKEN;
    return link->broken;
}

/* Fills the space, in as many turns as the peer has made records; and again if `drops`. It may wait
 * once, before the first byte: then its caller looks at the time, though no record be whole. */
static ssize_t take(struct link *link, char *to, size_t size, size_t space, bool drops)
{
    size_t taken = 0;
    link->wire.drained = false;
    link->wire.patient = true;
    while (taken < size && (taken == 0 || may_have_more(link))) {
        size_t got = 0, most = size - taken < space ? size - taken : space;
        link->wire.enough = taken > 0;
        link->wire.patient = link->wire.patient && taken == 0;
        link_begin(link);
        int result = SSL_read_ex(link->ssl, drops ? to : to + taken, most, &got);
        if (result == 1) {
            taken += got;
            link->messages = 0;
            continue;
        }
        int came = link_came_of_receiving(link, result);
        if (came == STREAM_WANT_READ && link->wire.error == 0) {
            came = took_message(link);
            if (came == 0) {
                continue;
            }
        }
        if (!stream_may_repeat(came)) {
            link->later = came == 0 ? 1 : came;
        }
        return taken > 0 ? (ssize_t)taken : came;
    }
    return (ssize_t)taken;
}

/* What was found behind bytes, and all that there is to be told from then on. */
static ssize_t told(const struct link *link)
{
    return link->later > 0 ? 0 : link->later;
}

ssize_t link_receive(struct stream *stream, void *to, size_t size)
{
    struct link *link = link_of(stream);
    return link->later != 0 ? told(link) : take(link, to, size, size, false);
}

ssize_t link_discard(struct stream *stream, size_t size, void *scratch, size_t scratch_size)
{
    struct link *link = link_of(stream);
    return link->later != 0 ? told(link) : take(link, scratch, size, scratch_size, true);
}

bool link_holds(const struct stream *stream)
{
    const struct link *link = link_of(stream);
    return link->later != 0 || SSL_has_pending(link->ssl);
}
