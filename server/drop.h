/* Request bodies, which are read and dropped. A part of the session, and as pure. */
#pragma once

#include "server/session.h"

enum dropped {
    DROPPED_ALL,
    DROPPED_MORE,
    DROPPED_MALFORMED,
    DROPPED_TOO_MUCH, /* more than `most` bytes of chunks */
};

/* Begins with a body of the framing x->framing. */
void drop_begin(struct exchange *exchange);

/* Drops what has come of it; what follows it is left. */
enum dropped drop_body(struct exchange *exchange, uint64_t most);
