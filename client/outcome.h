/* What a session is told of a call: the same in both models, which differ in how they wait and not
 * in what comes of it.
 *
 * A call that may be made again (stream_may_repeat()) is made again while there is time: that is
 * the models' own, and they come here with what they do not repeat. One that may be repeated was
 * out of time then. */
#pragma once

#include "client/session.h"
#include "lib/net/stream.h"

/* Of a connection: a descriptor, or -errno. A full backlog (-EAGAIN) is a failure, which the
 * session knows what to do about. */
struct outcome outcome_of_connect(int came);

/* Of a handshake, as handshake_go_on() returns it. When it was TLS that failed, news->why says how.
 */
struct outcome outcome_of_handshake(const struct stream *stream, int came, struct news *news);

/* Of a receive, discard or send that moved no bytes: not above 0. News as above. */
struct outcome outcome_of_nothing(const struct stream *stream, ssize_t came, struct news *news);

/* Of any receive, discard or send. */
static inline struct outcome outcome_of(const struct stream *stream, ssize_t came,
                                        struct news *news)
{
    return came > 0 ? (struct outcome){CAME_DONE, 0, (size_t)came}
                    : outcome_of_nothing(stream, came, news);
}
