/* The handshake of TLS, which both models carry out alike. */
#pragma once

#include "client/session.h"
#include "lib/net/stream.h"

/* Goes on with the handshake of a stream that is connected to `origin`, or begins it. 0, with what
 * was agreed on in *news; STREAM_WANT_*, -EINTR: call again; another: it failed. */
int handshake_go_on(struct stream *stream, const struct plan *plan, const struct origin *origin,
                    struct news *news);
