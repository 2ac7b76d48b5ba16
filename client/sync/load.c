/* The blocking model: a thread for each connection, which waits inside its calls until the step is
 * done or its time is up.
 *
 * Read this beside async/load.c: the same steps in the same order, waited for in the other way.
 * Here a conversation is a loop, and the stack remembers where it was. */
#include "client/load.h"

#include "client/crew.h"
#include "client/handshake.h"
#include "client/outcome.h"
#include "client/trace.h"
#include "lib/base/order.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

const struct model load_model = {
    .name = "sync",
    .program = "cristo-sync-client",
    .sister = "cristo-async-client",
    .owner = OPTION_SYNC,
    .one_thread_each = true,
};

enum {
    STACK_SIZE = 64 * 1024
};

/* Lives on the stack of its thread. */
struct connection {
    struct hand *hand;
    struct stream stream;
    uint64_t receive_wait_ns, send_wait_ns; /* what the descriptor's timeouts are set to */
    uint64_t now_ns;
};

static void converse(struct hand *hand);
static struct outcome take_step(struct connection *c, const struct step *step);
static struct outcome connect_step(struct connection *c, const struct step *step);
static struct outcome handshake_step(struct connection *c, const struct step *step);
static struct outcome send_step(struct connection *c, const struct step *step);
static struct outcome read_step(struct connection *c, const struct step *step);
static struct outcome discard_step(struct connection *c, const struct step *step);
static struct outcome wait_step(struct connection *c, const struct step *step);
static struct outcome idle_step(struct connection *c, const struct step *step);
static struct outcome tell_step(const struct step *step);
static struct outcome close_step(struct connection *c);

int load_run(const struct plan *plan, struct watch *watch, struct tally *total,
             struct tally *warmup)
{
    struct crew crew;
    int error = -ENOMEM;
    if (crew_init(&crew, plan, watch, STACK_SIZE)) {
        error = crew_work(&crew, converse);
    }
    if (error == 0) {
        crew_total(&crew, total, warmup);
    }
    crew_finish(&crew);
    return error;
}

/* --- converse --------------------------------------------------------------------------------- */

static void converse(struct hand *hand)
{
    struct session *session = &hand->crew->sessions[hand->first];
    struct connection c = {.hand = hand, .stream.fd = -1, .now_ns = clock_monotonic_ns()};
    struct outcome came = {CAME_NOTHING, 0, 0};
    for (;;) {
        const struct step *step = session_step(session, c.now_ns, came);
        if (step->kind == STEP_FINISHED) {
            return;
        }
        came = take_step(&c, step);
    }
}

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
        return read_step(c, step);
    case STEP_DISCARD:
        return discard_step(c, step);
    case STEP_WAIT:
        return wait_step(c, step);
    case STEP_IDLE:
        return idle_step(c, step);
    case STEP_TELL:
        return tell_step(step);
    case STEP_CLOSE:
        return close_step(c);
    case STEP_BEGIN:
    case STEP_FINISHED:
        break;
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}

/* Looks at the clock, and says whether a call that came back with nothing is to be made again: it
 * was neither its deadline that ended it nor the end of the run. */
static bool came_early(struct connection *c, const struct step *step, ssize_t count)
{
    c->now_ns = clock_monotonic_ns();
    return stream_may_repeat(count) && c->now_ns < step->until_ns &&
           c->now_ns < course_end(&c->hand->crew->watch->course);
}

static uint64_t time_left(const struct connection *c, const struct step *step)
{
    return excess_of(step->until_ns, c->now_ns);
}

/* Sets how long the next call may wait. The kernel is told only when what it has is off by more
 * than a 64th, so that a train of quick replies costs nothing. */
static void set_wait(struct connection *c, const struct step *step, int option, uint64_t *set_ns)
{
    uint64_t wait_ns = time_left(c, step);
    uint64_t off_ns = *set_ns > wait_ns ? *set_ns - wait_ns : wait_ns - *set_ns;
    if (off_ns > wait_ns / 64) {
        struct timeval wait = clock_timeval(wait_ns + NS_PER_US);
        setsockopt(c->stream.fd, SOL_SOCKET, option, &wait, sizeof(wait));
        *set_ns = wait_ns;
    }
}

/* --- connect ---------------------------------------------------------------------------------- */

static void hang_up(struct connection *c)
{
    stream_finish(&c->stream);
    close(c->stream.fd);
    c->stream.fd = -1;
}

static struct outcome connect_step(struct connection *c, const struct step *step)
{
    int fd;
    do {
        fd = connect_blocking(&step->origin->address, step->source, time_left(c, step));
    } while (came_early(c, step, fd));
    if (fd >= 0) {
        stream_init(&c->stream, fd, step->origin->tcp);
        c->receive_wait_ns = c->send_wait_ns = CLOCK_NEVER;
    }
    return outcome_of_connect(fd);
}

/* --- handshake -------------------------------------------------------------------------------- */

static struct outcome handshake_step(struct connection *c, const struct step *step)
{
    int came;
    do {
        set_wait(c, step, SO_RCVTIMEO, &c->receive_wait_ns);
        set_wait(c, step, SO_SNDTIMEO, &c->send_wait_ns);
        came = handshake_go_on(&c->stream, c->hand->crew->plan, step->origin, step->news);
    } while (came_early(c, step, came));
    return outcome_of_handshake(&c->stream, came, step->news);
}

/* --- send ------------------------------------------------------------------------------------- */

static struct outcome send_step(struct connection *c, const struct step *step)
{
    ssize_t sent;
    do {
        set_wait(c, step, SO_SNDTIMEO, &c->send_wait_ns);
        sent = stream_send(&c->stream, step->pieces, step->piece_count, false);
    } while (sent < 0 && came_early(c, step, sent));
    return outcome_of(&c->stream, sent, step->news);
}

/* --- read, discard ---------------------------------------------------------------------------- */

/* Sets how long the next call may wait for bytes, and returns 1. Where the socket's own timeout is
 * too coarse, since it counts in the kernel's ticks and the next request on this connection is due
 * by the clock, it waits itself: then also STREAM_WANT_READ. */
static ssize_t await_bytes(struct connection *c, const struct step *step)
{
    const struct plan *plan = c->hand->crew->plan;
    struct timespec wait = clock_timespec(time_left(c, step));
    struct pollfd readable = {c->stream.fd, POLLIN, 0};
    bool exact = plan->rate > 0 && plan->pipeline > 1;
    if (!exact || c->stream.carrier != NULL) { /* what is readable may be half a record of TLS */
        set_wait(c, step, SO_RCVTIMEO, &c->receive_wait_ns);
    }
    if (!exact || stream_holds(&c->stream)) {
        return 1;
    }
    return ppoll(&readable, 1, &wait, NULL) == 1 ? 1 : STREAM_WANT_READ;
}

static struct outcome read_step(struct connection *c, const struct step *step)
{
    ssize_t got;
    do {
        got = await_bytes(c, step);
        if (got > 0) {
            got = stream_receive(&c->stream, step->space, step->size);
        }
    } while (came_early(c, step, got));
    return outcome_of(&c->stream, got, step->news);
}

static struct outcome discard_step(struct connection *c, const struct step *step)
{
    ssize_t got;
    do {
        got = await_bytes(c, step);
        if (got > 0) {
            got = stream_discard(&c->stream, step->size, c->hand->scratch, SESSION_SCRATCH);
        }
    } while (came_early(c, step, got));
    return outcome_of(&c->stream, got, step->news);
}

/* --- wait, idle, tell, close ------------------------------------------------------------------ */

static struct outcome wait_step(struct connection *c, const struct step *step)
{
    struct timespec until = clock_timespec(step->until_ns);
    int interrupted;
    do {
        interrupted = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    } while (came_early(c, step, -interrupted));
    return (struct outcome){CAME_DONE, 0, 0};
}

/* Sleeps, since to wait for the descriptor would be less exact, and then looks what has come. What
 * makes it readable need not be content, but tickets of TLS: to receive waits for that no longer
 * than the shortest time that the kernel knows, a tick. */
static struct outcome idle_step(struct connection *c, const struct step *step)
{
    struct pollfd readable = {c->stream.fd, POLLIN, 0};
    wait_step(c, step);
    if (poll(&readable, 1, 0) <= 0 && !stream_holds(&c->stream)) {
        return (struct outcome){CAME_TIMED_OUT, 0, 0};
    }
    set_wait(c, step, SO_RCVTIMEO, &c->receive_wait_ns);
    ssize_t got = stream_receive(&c->stream, step->space, step->size);
    c->now_ns = clock_monotonic_ns();
    return outcome_of(&c->stream, got, step->news);
}

static struct outcome tell_step(const struct step *step)
{
    trace_verdict(step->verdict);
    return (struct outcome){CAME_DONE, 0, 0};
}

/* If there is no room for its end within a moment, TLS is closed without one. */
static void say_end(struct connection *c)
{
    struct timeval moment = {0, 1};
    if (c->stream.carrier != NULL) {
        setsockopt(c->stream.fd, SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof(moment));
        stream_end(&c->stream);
    }
}

static struct outcome close_step(struct connection *c)
{
    say_end(c);
    hang_up(c);
    return (struct outcome){CAME_DONE, 0, 0};
}
