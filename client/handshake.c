#include "client/handshake.h"

#include "lib/tls/link.h"

int handshake_go_on(struct stream *stream, const struct plan *plan, const struct origin *origin,
                    struct news *news)
{
    int came = 0;
    if (stream->carrier == NULL) {
        came = tls_connect(stream, plan->tls, origin->host, origin->recall);
    }
    came = came == 0 ? tls_handshake(stream) : came;
    if (came == 0) {
        news->agreed = (struct agreement){
            .protocol = tls_protocol(stream),
            .cipher = tls_cipher(stream),
            .resumed = tls_resumed(stream),
        };
    }
    return came;
}
