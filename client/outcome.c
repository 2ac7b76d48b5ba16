#include "client/outcome.h"

#include "lib/tls/link.h"

#include <errno.h>

static struct outcome failed(const struct stream *stream, ssize_t came, struct news *news)
{
    if (stream_may_repeat(came)) {
        return (struct outcome){CAME_TIMED_OUT, 0, 0};
    }
    bool by_tls = came == STREAM_BROKEN || came == STREAM_TRUNCATED;
    news->why = by_tls ? tls_reason(stream) : NULL;
    return (struct outcome){CAME_FAILED, by_tls ? 0 : (int)-came, 0};
}

struct outcome outcome_of_connect(int came)
{
    if (came >= 0) {
        return (struct outcome){CAME_DONE, 0, 0};
    }
    bool late = came == -ETIMEDOUT || came == -EINTR;
    return late ? (struct outcome){CAME_TIMED_OUT, 0, 0} : (struct outcome){CAME_FAILED, -came, 0};
}

struct outcome outcome_of_handshake(const struct stream *stream, int came, struct news *news)
{
    return came == 0 ? (struct outcome){CAME_DONE, 0, 0} : failed(stream, came, news);
}

struct outcome outcome_of_nothing(const struct stream *stream, ssize_t came, struct news *news)
{
    switch (came) {
    case 0:
        return (struct outcome){CAME_ENDED, 0, 0};
    case STREAM_TRUNCATED:
        return (struct outcome){CAME_CUT, 0, 0};
    default:
        return failed(stream, came, news);
    }
}
