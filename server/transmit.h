/* Carries out a SEND, as far as the stream takes it now. Both I/O models use it: on a blocking
 * descriptor it waits, on a non-blocking one it comes back. */
#pragma once

#include "lib/net/stream.h"
#include "server/session.h"

enum transmitted {
    TRANSMIT_DONE,    /* *bytes left, at least 1 */
    TRANSMIT_TO_READ, /* the carrier has to receive something before it can send */
    TRANSMIT_AGAIN,   /* the stream takes nothing now (or, blocking, took nothing until its timeout)
                       */
    TRANSMIT_FAILED,  /* the client is gone, or the file cannot be read: cut the connection */
};

enum transmitted transmit(struct stream *stream, const struct step *step, size_t *bytes);
