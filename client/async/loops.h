/* The event loops of a run and the connections that are on them: made before, taken down after. */
#pragma once

#include "client/async/deadlines.h"
#include "client/crew.h"
#include "lib/net/stream.h"

#include <event2/event.h>
#include <event2/event_struct.h>

/* One thread's. */
struct loop {
    struct hand *hand;
    struct event_base *base;
    struct event tick;
    uint64_t tick_ns; /* what it is set to */
    uint64_t now_ns;
    struct deadlines deadlines;
    struct connection *connections; /* hand->count */
    size_t begun, finished;         /* of these */
};

struct connection {
    struct event event;
    struct loop *loop;
    struct stream stream;
    short awaited;  /* what the step waits for: EV_READ, EV_WRITE; nothing: only its deadline */
    bool emptied;   /* the last receive took all there was, and no event has told of more since */
    bool ended;     /* the peer has closed its side, and that is still to be received */
    bool quiet;     /* a request has left since, so there is no use in receiving before an event */
    bool postponed; /* the step is to be taken at the loop's next turn; its deadline is now */
    struct deadline deadline;
    const struct step *step;
    struct session *session;
};

/* Makes a loop for every hand of the crew (hand->own); `on_tick` is what its timer calls, with the
 * loop. False after log_error(); loops_destroy() is due in any case. */
bool loops_create(struct crew *crew, event_callback_fn on_tick);
void loops_destroy(struct crew *crew);
