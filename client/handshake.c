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

struct outcome handshake_failed(const struct stream *stream, int came, struct news *news)
{
    bool by_tls = came == STREAM_BROKEN || came == STREAM_TRUNCATED;
    news->why = by_tls ? tls_reason(stream) : NULL;
    return (struct outcome){CAME_FAILED, by_tls ? 0 : -came, 0};
}

struct outcome call_failed(const struct stream *stream, ssize_t came, struct news *news)
{
    if (came == STREAM_TRUNCATED) {
        return (struct outcome){CAME_CUT, 0, 0};
    }
    return handshake_failed(stream, (int)came, news);
}
