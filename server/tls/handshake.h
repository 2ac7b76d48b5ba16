/* Carries out a HANDSHAKE, as far as the stream goes now. Both I/O models use it: on a blocking
 * descriptor it waits, on a non-blocking one it comes back. */
#pragma once

#include "server/session.h"
#include "server/site.h"

#include "lib/net/stream.h"

/* 0: it is over, and *came says how (CAME_DONE, CAME_PLAIN, CAME_ENDED, CAME_FAILED; the timeout is
 * the caller's affair). STREAM_WANT_*, -EINTR: call again; *came is CAME_UNCHANGED. The first call
 * puts TLS beneath the stream; when CAME_PLAIN it is gone again. Counts handshakes that are done.
 */
int handshake(struct stream *stream, const struct site *site, struct ledger *ledger,
              struct outcome *came);
