/* The non-blocking model: one thread turns a loop over many connections and waits for all of them
 * at once.
 *
 * Read this beside sync/load.c: the same steps in the same order, waited for in the other way. Here
 * a step is tried; if it would have to wait, its connection is left to the loop, and the same step
 * is tried again when the loop says that its descriptor is ready. */
#include "client/load.h"

#include "client/async/loops.h"
#include "client/handshake.h"
#include "client/outcome.h"
#include "client/trace.h"
#include "lib/base/order.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

#include <errno.h>
#include <stddef.h>
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
    BEGIN_AT_ONCE = 4,  /* connections; then the loop turns, so that the first need not wait for
                           the last */
    BEGIN_SHARE = 4,    /* and with them one for each so many begun: each turn is longer the more
                           are at work, and a thousand must not take hundreds of turns */
    LOOK_UP_MS = 50,    /* a loop looks this often whether the run was stopped */
    STEPS_AT_ONCE = 32, /* of one connection; then the loop turns, so that a server which always has
                           more to say does not make the others' replies lie there unread */
};

static void turn(struct hand *hand);
static void on_tick(evutil_socket_t fd, short what, void *loop);
static void on_deadline(struct connection *c);
static void on_ready(evutil_socket_t fd, short what, void *connection);
static void hang_up(struct connection *c);
static void converse(struct connection *c, struct outcome came);
static void go_on(struct connection *c);
static struct outcome take_step(struct connection *c, const struct step *step);
static struct outcome postpone_step(struct connection *c);
static struct outcome connect_step(struct connection *c, const struct step *step);
static struct outcome handshake_step(struct connection *c, const struct step *step);
static struct outcome send_step(struct connection *c, const struct step *step);
static struct outcome read_step(struct connection *c, const struct step *step);
static struct outcome discard_step(struct connection *c, const struct step *step);
static struct outcome wait_step(struct connection *c, const struct step *step);
static struct outcome tell_step(const struct step *step);
static struct outcome close_step(struct connection *c);
static struct outcome finish_step(struct connection *c);

int load_run(const struct plan *plan, struct watch *watch, struct tally *total,
             struct tally *warmup)
{
    struct crew crew;
    int error = -ENOMEM;
    if (crew_init(&crew, plan, watch, STACK_SIZE) && loops_create(&crew, on_tick)) {
        error = crew_work(&crew, turn);
    }
    if (error == 0) {
        crew_total(&crew, total, warmup);
    }
    loops_destroy(&crew);
    crew_finish(&crew);
    return error;
}

/* --- loops ------------------------------------------------------------------------------------ */

/* At once while connections are still to be begun, then at the earliest deadline; and often enough
 * to see that the run was stopped. */
static void set_tick(struct loop *loop)
{
    uint64_t next_ns = deadlines_next(&loop->deadlines);
    uint64_t look_ns = loop->begun < loop->hand->count ? 0 : LOOK_UP_MS * NS_PER_MS;
    loop->tick_ns = lesser_of(loop->now_ns + look_ns, next_ns);
    struct timeval wait = clock_timeval(excess_of(loop->tick_ns, loop->now_ns));
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
    uint64_t moment_ns = loop->now_ns = clock_monotonic_ns();
    while ((due = deadlines_take(&loop->deadlines, moment_ns)) != NULL) {
        on_deadline((struct connection *)((char *)due - offsetof(struct connection, deadline)));
        loop->now_ns = clock_monotonic_ns(); /* many may be due together, and each takes time */
    }
    if (loop->now_ns >= course_end(&loop->hand->crew->watch->course)) {
        for (size_t i = 0; i < loop->begun; i++) {
            on_deadline(&loop->connections[i]);
        }
    }
    for (size_t i = BEGIN_AT_ONCE + loop->begun / BEGIN_SHARE;
         i > 0 && loop->begun < loop->hand->count; i--) {
        converse(&loop->connections[loop->begun++], (struct outcome){CAME_NOTHING, 0, 0});
    }
    set_tick(loop);
}

/* --- converse --------------------------------------------------------------------------------- */

static void converse(struct connection *c, struct outcome came)
{
    int steps = 0;
    do {
        c->step = session_step(c->session, c->loop->now_ns, came);
        bool many = ++steps > STEPS_AT_ONCE && c->step->kind != STEP_TELL;
        came = many ? postpone_step(c) : take_step(c, c->step);
    } while (came.kind != CAME_NOTHING);
}

/* With the step that it was to take. */
static void go_on(struct connection *c)
{
    struct outcome came = take_step(c, c->step);
    if (came.kind != CAME_NOTHING) {
        converse(c, came);
    }
}

/* CAME_NOTHING: the step waits, and on_ready() or on_deadline() will go on with it. */
static struct outcome take_step(struct connection *c, const struct step *step)
{
    switch (step->kind) {
    case STEP_CONNECT:
        return connect_step(c, step);
    case STEP_HANDSHAKE:
        return handshake_step(c, step);
    case STEP_SEND:
        return send_step(c, step);
    case STEP_READ:
    case STEP_IDLE: /* the loop tells of what comes meanwhile */
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

static struct outcome await_until(struct connection *c, short what, uint64_t until_ns)
{
    struct loop *loop = c->loop;
    c->awaited = what;
    deadlines_set(&loop->deadlines, &c->deadline, until_ns);
    if (until_ns < loop->tick_ns) {
        set_tick(loop);
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}

/* Leaves the step to the loop: until the descriptor is ready for it, or, with `what` nothing, only
 * until its time has come. */
static struct outcome await(struct connection *c, const struct step *step, short what)
{
    return await_until(c, what, step->until_ns);
}

/* The same, until its descriptor is what the stream wants it to be. */
static struct outcome await_stream(struct connection *c, const struct step *step, ssize_t wanted)
{
    return await(c, step, wanted == STREAM_WANT_READ ? EV_READ : EV_WRITE);
}

/* What came of a call: nothing yet, if it would have had to wait. */
static inline struct outcome came_of(struct connection *c, const struct step *step, ssize_t came)
{
    return stream_is_again(came) ? await_stream(c, step, came)
                                 : outcome_of(&c->stream, came, step->news);
}

/* Leaves the step for the loop's next turn. */
static struct outcome postpone_step(struct connection *c)
{
    c->postponed = true;
    return await_until(c, 0, c->loop->now_ns);
}

/* Every event is told once, when it happens, whether somebody waits for it now or not. */
static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    (void)fd;
    if ((what & EV_READ) != 0) {
        c->emptied = c->quiet = false;
    }
    c->ended = c->ended || (what & EV_CLOSED) != 0;
    if ((what & c->awaited) != 0) {
        go_on(c);
    }
}

static void on_deadline(struct connection *c)
{
    if (c->postponed) {
        c->postponed = false;
        go_on(c);
        return;
    }
    if (c->step->kind == STEP_FINISHED) {
        return;
    }
    if (c->step->kind == STEP_CONNECT) {
        hang_up(c);
    }
    converse(c, (struct outcome){CAME_TIMED_OUT, 0, 0});
}

/* --- connect ---------------------------------------------------------------------------------- */

/* Adopts a descriptor, and asks once for all that will ever happen to it: edge-triggered events
 * need no system call between two requests, nor does the kernel look at each again after it was
 * told. */
static bool attach(struct connection *c, int fd, bool tcp)
{
    const short everything = EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST;
    stream_init(&c->stream, fd, tcp);
    c->emptied = true;
    c->ended = c->quiet = false;
    event_assign(&c->event, c->loop->base, fd, everything, on_ready, c);
    return event_add(&c->event, NULL) == 0;
}

static void hang_up(struct connection *c)
{
    if (c->stream.fd >= 0) {
        event_del(&c->event);
        stream_finish(&c->stream);
        close(c->stream.fd);
        c->stream.fd = -1;
    }
}

static struct outcome connect_step(struct connection *c, const struct step *step)
{
    int came;
    if (c->stream.fd < 0) {
        came = connect_begin(&step->origin->address, step->source);
        if (came >= 0 && attach(c, came, step->origin->tcp)) {
            return await(c, step, EV_WRITE);
        }
        came = came >= 0 ? -ENOMEM : came;
    } else {
        came = connect_result(c->stream.fd);
        c->loop->now_ns = clock_monotonic_ns();
    }
    if (came < 0) {
        hang_up(c);
    }
    return outcome_of_connect(came);
}

/* --- handshake -------------------------------------------------------------------------------- */

static struct outcome handshake_step(struct connection *c, const struct step *step)
{
    const struct plan *plan = c->loop->hand->crew->plan;
    int came = handshake_go_on(&c->stream, plan, step->origin, step->news);
    c->loop->now_ns = clock_monotonic_ns();
    c->emptied = false; /* the first of what follows it may have come with its last */
    return stream_is_again(came) ? await_stream(c, step, came)
                                 : outcome_of_handshake(&c->stream, came, step->news);
}

/* --- send ------------------------------------------------------------------------------------- */

static struct outcome send_step(struct connection *c, const struct step *step)
{
    ssize_t sent = stream_send(&c->stream, step->pieces, step->piece_count, false);
    c->quiet = sent > 0 && c->emptied && !c->ended;
    return came_of(c, step, sent);
}

/* --- read, discard ---------------------------------------------------------------------------- */

static inline struct outcome received(struct connection *c, const struct step *step, ssize_t got,
                                      size_t asked)
{
    c->loop->now_ns = clock_monotonic_ns();
    c->emptied = got < (ssize_t)asked && !stream_holds(&c->stream);
    return came_of(c, step, got);
}

static struct outcome read_step(struct connection *c, const struct step *step)
{
    if (c->quiet) {
        return await(c, step, EV_READ);
    }
    ssize_t got = stream_receive(&c->stream, step->space, step->size);
    return received(c, step, got, step->size);
}

static struct outcome discard_step(struct connection *c, const struct step *step)
{
    if (c->quiet) {
        return await(c, step, EV_READ);
    }
    bool copies = !c->stream.discards && step->size > SESSION_SCRATCH;
    size_t asked = copies ? SESSION_SCRATCH : step->size;
    ssize_t got = stream_discard(&c->stream, asked, c->loop->hand->scratch, SESSION_SCRATCH);
    return received(c, step, got, asked);
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

/* If there is no room for its end, TLS is closed without one. */
static struct outcome close_step(struct connection *c)
{
    stream_end(&c->stream);
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
