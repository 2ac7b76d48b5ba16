/* The non-blocking model: one thread turns a loop over many connections and waits for all of them
 * at once.
 *
 * Read this beside sync/load.c: the same steps in the same order, waited for in the other way. Here
 * a step is tried; if it would have to wait, its connection is left to the loop, and the same step
 * is tried again when the loop says that its descriptor is ready. */
#include "client/load.h"

#include "client/async/deadlines.h"
#include "client/crew.h"
#include "client/space.h"
#include "client/trace.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

const struct model load_model = {
    .name = "async",
    .program = "cristo-async-client",
    .sister = "cristo-sync-client",
    .owner = OPTION_ASYNC,
    .one_thread_each = false,
};

enum {
    STACK_SIZE = 256 * 1024,
    BEGIN_AT_ONCE = 4, /* connections; then the loop turns, so that the first need not wait for
                          the last */
    LOOK_UP_MS = 50,   /* a loop looks this often whether the run was stopped */
};

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
    short armed;   /* what the event is added for: EV_READ, EV_WRITE or nothing */
    short awaited; /* what the step waits for; nothing: only for its deadline */
    bool drained;  /* there is no use in trying to receive before waiting */
    struct deadline deadline;
    const struct step *step;
    struct session *session;
};

static bool loops_create(struct crew *crew);
static void loops_destroy(struct crew *crew);
static void turn(struct hand *hand);
static void on_tick(evutil_socket_t fd, short what, void *loop);
static void on_deadline(struct connection *c);
static void on_ready(evutil_socket_t fd, short what, void *connection);
static void converse(struct connection *c, struct outcome came);
static struct outcome take_step(struct connection *c, const struct step *step);
static struct outcome connect_step(struct connection *c, const struct step *step);
static struct outcome send_step(struct connection *c, const struct step *step);
static struct outcome read_step(struct connection *c, const struct step *step);
static struct outcome discard_step(struct connection *c, const struct step *step);
static struct outcome wait_step(struct connection *c, const struct step *step);
static struct outcome tell_step(const struct step *step);
static struct outcome close_step(struct connection *c);
static struct outcome finish_step(struct connection *c);

int load_run(const struct plan *plan, struct watch *watch, struct tally *total)
{
    struct crew crew;
    int error = -ENOMEM;
    if (crew_init(&crew, plan, watch) && loops_create(&crew)) {
        error = crew_work(&crew, STACK_SIZE, turn);
    }
    if (error == 0) {
        crew_total(&crew, total);
    }
    loops_destroy(&crew);
    crew_finish(&crew);
    return error;
}

/* --- loops ------------------------------------------------------------------------------------ */

static struct event_base *base_create(const struct plan *plan)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* one thread has it */
    if (plan->rate > 0 || plan->think_high_ns > 0) {
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    }
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool loop_init(struct loop *loop, struct hand *hand)
{
    loop->hand = hand;
    loop->base = base_create(hand->crew->plan);
    loop->connections = space_create(hand->count, sizeof(*loop->connections));
    loop->deadlines.heap = space_create(hand->count + 1, sizeof(*loop->deadlines.heap));
    if (loop->base == NULL || loop->connections == NULL || loop->deadlines.heap == NULL) {
        return false;
    }
    for (size_t i = 0; i < hand->count; i++) {
        struct connection *c = &loop->connections[i];
        c->loop = loop;
        c->stream.fd = -1;
        c->session = &hand->crew->sessions[hand->first + i];
    }
    return evtimer_assign(&loop->tick, loop->base, on_tick, loop) == 0;
}

static bool loops_create(struct crew *crew)
{
    bool complete = true;
    for (size_t i = 0; complete && i < crew->plan->threads; i++) {
        struct loop *loop = crew->hands[i].own = calloc(1, sizeof(*loop));
        complete = loop != NULL && loop_init(loop, &crew->hands[i]);
    }
    return complete;
}

static void loops_destroy(struct crew *crew)
{
    for (size_t i = 0; crew->hands != NULL && i < crew->plan->threads; i++) {
        struct hand *hand = &crew->hands[i];
        struct loop *loop = hand->own;
        if (loop == NULL) {
            continue;
        }
        space_destroy(loop->deadlines.heap, hand->count + 1, sizeof(*loop->deadlines.heap));
        space_destroy(loop->connections, hand->count, sizeof(*loop->connections));
        if (loop->base != NULL) {
            event_base_free(loop->base);
        }
        free(loop);
    }
}

/* At once while connections are still to be begun, then at the earliest deadline; and often enough
 * to see that the run was stopped. */
static void set_tick(struct loop *loop)
{
    uint64_t next_ns = deadlines_next(&loop->deadlines);
    uint64_t look_ns = loop->begun < loop->hand->count ? 0 : LOOK_UP_MS * NS_PER_MS;
    loop->tick_ns = loop->now_ns + look_ns < next_ns ? loop->now_ns + look_ns : next_ns;
    uint64_t wait_ns = loop->tick_ns > loop->now_ns ? loop->tick_ns - loop->now_ns : 0;
    struct timeval wait = clock_timeval(wait_ns);
    evtimer_add(&loop->tick, &wait);
}

static void turn(struct hand *hand)
{
    struct loop *loop = hand->own;
    loop->now_ns = clock_monotonic_ns();
    set_tick(loop);
    event_base_dispatch(loop->base);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct loop *loop = argument;
    struct deadline *due;
    (void)fd;
    (void)what;
    loop->now_ns = clock_monotonic_ns();
    while ((due = deadlines_take(&loop->deadlines, loop->now_ns)) != NULL) {
        on_deadline((struct connection *)((char *)due - offsetof(struct connection, deadline)));
    }
    if (loop->now_ns >= course_end(&loop->hand->crew->watch->course)) {
        for (size_t i = 0; i < loop->begun; i++) {
            on_deadline(&loop->connections[i]);
        }
    }
    for (int i = 0; i < BEGIN_AT_ONCE && loop->begun < loop->hand->count; i++) {
        converse(&loop->connections[loop->begun++], (struct outcome){CAME_NOTHING, 0, 0});
    }
    set_tick(loop);
}

/* --- converse --------------------------------------------------------------------------------- */

static void converse(struct connection *c, struct outcome came)
{
    do {
        c->step = session_step(c->session, c->loop->now_ns, came);
        came = take_step(c, c->step);
    } while (came.kind != CAME_NOTHING);
}

/* CAME_NOTHING: the step waits, and on_ready() or on_deadline() will go on with it. */
static struct outcome take_step(struct connection *c, const struct step *step)
{
    switch (step->kind) {
    case STEP_CONNECT:
        return connect_step(c, step);
    case STEP_SEND:
        return send_step(c, step);
    case STEP_READ:
        return read_step(c, step);
    case STEP_DISCARD:
        return discard_step(c, step);
    case STEP_WAIT:
        return wait_step(c, step);
    case STEP_TELL:
        return tell_step(step);
    case STEP_CLOSE:
        return close_step(c);
    case STEP_FINISHED:
        return finish_step(c);
    case STEP_BEGIN:
        break;
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}

static struct outcome outcome_of(ssize_t count)
{
    switch (count) {
    case 0:
        return (struct outcome){CAME_ENDED, 0, 0};
    default:
        return count > 0 ? (struct outcome){CAME_DONE, 0, (size_t)count}
                         : (struct outcome){CAME_FAILED, (int)-count, 0};
    }
}

static void disarm(struct connection *c)
{
    if (c->armed != 0) {
        event_del(&c->event);
        c->armed = 0;
    }
}

static bool arm(struct connection *c, short what)
{
    if (c->armed != what) {
        disarm(c);
        event_assign(&c->event, c->loop->base, c->stream.fd, what | EV_PERSIST, on_ready, c);
        c->armed = event_add(&c->event, NULL) == 0 ? what : 0;
    }
    return c->armed == what;
}

/* Leaves the step to the loop: until the descriptor is ready, or, with `what` nothing, only until
 * its time has come. A connection that reads stays armed from one reply to the next. */
static struct outcome await(struct connection *c, const struct step *step, short what)
{
    struct loop *loop = c->loop;
    if (what != 0 && !arm(c, what)) {
        return (struct outcome){CAME_FAILED, ENOMEM, 0};
    }
    c->awaited = what;
    deadlines_set(&loop->deadlines, &c->deadline, step->until_ns);
    if (step->until_ns < loop->tick_ns) {
        set_tick(loop);
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    (void)fd;
    if (what != c->awaited) {
        disarm(c); /* nobody listens at the moment; the next call will find out what it is */
        return;
    }
    c->drained = false;
    struct outcome came = take_step(c, c->step);
    if (came.kind != CAME_NOTHING) {
        converse(c, came);
    }
}

static void hang_up(struct connection *c)
{
    disarm(c);
    if (c->stream.fd >= 0) {
        close(c->stream.fd);
        c->stream.fd = -1;
    }
}

static void on_deadline(struct connection *c)
{
    if (c->step->kind == STEP_FINISHED) {
        return;
    }
    if (c->step->kind == STEP_CONNECT) {
        hang_up(c);
    }
    converse(c, (struct outcome){CAME_TIMED_OUT, 0, 0});
}

/* --- connect ---------------------------------------------------------------------------------- */

static struct outcome connect_step(struct connection *c, const struct step *step)
{
    if (c->stream.fd < 0) {
        int fd = connect_begin(&step->origin->address);
        if (fd < 0) {
            return outcome_of(fd);
        }
        stream_init(&c->stream, fd, step->origin->tcp);
        return await(c, step, EV_WRITE);
    }
    int error = connect_result(c->stream.fd);
    c->loop->now_ns = clock_monotonic_ns();
    if (error < 0) {
        hang_up(c);
        return outcome_of(error);
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

/* --- send ------------------------------------------------------------------------------------- */

static struct outcome send_step(struct connection *c, const struct step *step)
{
    ssize_t sent = stream_send(&c->stream, step->pieces, step->piece_count, false);
    if (sent == STREAM_AGAIN) {
        return await(c, step, EV_WRITE);
    }
    c->drained = true; /* an answer takes its time */
    return outcome_of(sent);
}

/* --- read, discard ---------------------------------------------------------------------------- */

static struct outcome received(struct connection *c, const struct step *step, ssize_t got)
{
    c->loop->now_ns = clock_monotonic_ns();
    if (got == STREAM_AGAIN) {
        return await(c, step, EV_READ);
    }
    c->drained = got > 0 && (size_t)got < step->size;
    return outcome_of(got);
}

static struct outcome read_step(struct connection *c, const struct step *step)
{
    if (c->drained) {
        return await(c, step, EV_READ);
    }
    return received(c, step, stream_receive(&c->stream, step->space, step->size));
}

static struct outcome discard_step(struct connection *c, const struct step *step)
{
    char *scratch = c->loop->hand->scratch;
    if (c->drained) {
        return await(c, step, EV_READ);
    }
    return received(c, step, stream_discard(&c->stream, step->size, scratch, SESSION_SCRATCH));
}

/* --- wait, tell, close ------------------------------------------------------------------------ */

static struct outcome wait_step(struct connection *c, const struct step *step)
{
    return await(c, step, 0);
}

static struct outcome tell_step(const struct step *step)
{
    trace_verdict(step->verdict);
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome close_step(struct connection *c)
{
    hang_up(c);
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome finish_step(struct connection *c)
{
    struct loop *loop = c->loop;
    deadlines_set(&loop->deadlines, &c->deadline, CLOCK_NEVER);
    if (++loop->finished == loop->hand->count) {
        event_base_loopbreak(loop->base);
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}
