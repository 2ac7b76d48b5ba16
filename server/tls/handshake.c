#include "server/tls/handshake.h"

#include "lib/tls/link.h"
#include "server/tls/gate.h"

#include <string.h>

static void count(struct ledger *ledger, const struct stream *stream)
{
    bool newest = strcmp(tls_protocol(stream), "TLSv1.3") == 0;
    ledger_handshake(ledger, tls_resumed(stream) ? HANDSHAKE_RESUMED : HANDSHAKE_FULL);
    ledger_count(ledger, COUNT_PROTOCOLS + (newest ? PROTOCOL_TLS_1_3 : PROTOCOL_TLS_1_2));
}

int handshake(struct stream *stream, const struct site *site, struct ledger *ledger,
              struct outcome *came)
{
    *came = (struct outcome){CAME_FAILED, 0};
    if (stream->carrier == NULL && gate_accept(site->gate, stream) != 0) {
        ledger_mishap(ledger, MISHAP_MEMORY);
        return 0;
    }
    int result = tls_handshake(stream);
    if (stream_may_repeat(result)) {
        came->kind = CAME_UNCHANGED;
        return result;
    }
    switch (result) {
    case 0:
        count(ledger, stream);
        came->kind = CAME_DONE;
        break;
    case TLS_PLAIN_HTTP:
        stream_finish(stream);
        came->kind = CAME_PLAIN;
        break;
    case STREAM_TRUNCATED:
        came->kind = CAME_ENDED;
        break;
    case STREAM_BROKEN: /* an alert was sent; what the client still says can only be dropped */
        stream_finish(stream);
        came->kind = CAME_REFUSED;
        break;
    default:
        break;
    }
    return 0;
}
