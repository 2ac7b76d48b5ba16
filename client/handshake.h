/* What both models do alike on a connection of TLS: its handshake, and what a session is to be told
 * when a call comes to nothing. */
#pragma once

#include "client/session.h"
#include "lib/net/stream.h"

/* Goes on with the handshake of a stream that is connected to `origin`, or begins it. 0, with what
 * was agreed on in *news; STREAM_WANT_*, -EINTR: call again; another: it failed. */
int handshake_go_on(struct stream *stream, const struct plan *plan, const struct origin *origin,
                    struct news *news);

/* The outcome of a handshake, or of a later call of the stream, that failed for good. */
struct outcome handshake_failed(const struct stream *stream, int came, struct news *news);
struct outcome call_failed(const struct stream *stream, ssize_t came, struct news *news);
