/* The evented model: all connections on one loop (or a few), none of which ever blocks. A step is
 * tried at once; when it would block, the connection waits for its descriptor, and the same step is
 * tried again when the loop says that it is ready.
 *
 * client/sync/load.c does the same with threads; read them side by side. */
#include "client/load.h"

#include "client/async/deadlines.h"
#include "client/session.h"
#include "client/space.h"
#include "client/trace.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

const struct model load_model = {
    .name = "async",
    .program = "cristo-async-client",
    .sister = "cristo-sync-client",
    .owner = OPTION_ASYNC,
    .one_thread_each = false,
};

/* A loop looks up this often, to see whether the run was stopped. */
#define LOOK_UP_NS (50 * NS_PER_MS)

enum {
    BEGIN_AT_ONCE = 16, /* connections; then the loop turns, so that the first need not wait for
                           the last */
};

/* One connection. */
struct connection {
    struct event event;
    struct loop *loop;
    struct stream stream;
    short armed;   /* what the event is added for: EV_READ, EV_WRITE or nothing */
    short awaited; /* what the step in progress waits for; nothing: only for its deadline */
    bool drained;  /* all that had come was received, so there is no use in trying before waiting */
    struct deadline deadline;
    const struct step *step;
    struct session session;
};

/* One loop, and the connections that are on it. */
struct loop {
    struct load *load;
    pthread_t thread;
    uint64_t now_ns;
    struct event_base *base;
    struct event tick;
    uint64_t tick_ns; /* when it comes */
    struct deadlines deadlines;
    struct connection *connections;
    size_t count;
    size_t begun;    /* of the connections: those that took their first step */
    size_t finished; /* and those that took their last */
    char scratch[SESSION_SCRATCH];
};

struct load {
    const struct plan *plan;
    struct watch *watch;
    pthread_mutex_t gate; /* closed until every thread is there */
    size_t count;         /* of loops and tallies */
    struct loop *loops;
    struct tally *tallies;
    struct flight *flights; /* and these are for all connections */
    struct connection *connections;
    struct deadline **heaps;
    char *rooms;
};

static bool load_init(struct load *load);
static void load_finish(struct load *load);
static bool loop_init(struct load *load, size_t index);
static struct event_base *base_create(const struct plan *plan);
static int run_threads(struct load *load);
static void *work(void *argument);
static void set_tick(struct loop *loop);
static void on_tick(evutil_socket_t fd, short what, void *argument);
static void begin_some(struct loop *loop);
static void on_deadline(struct connection *connection);
static void on_ready(evutil_socket_t fd, short what, void *argument);
static void carry_on(struct connection *connection, struct outcome came);
static struct outcome carry_out(struct connection *connection, const struct step *step);
static struct outcome carry_connect(struct connection *connection, const struct step *step);
static struct outcome carry_send(struct connection *connection, const struct step *step);
static struct outcome carry_read(struct connection *connection, const struct step *step);
static struct outcome carry_discard(struct connection *connection, const struct step *step);
static struct outcome carry_wait(struct connection *connection, const struct step *step);
static struct outcome carry_close(struct connection *connection);
static struct outcome carry_finish(struct connection *connection);
static struct outcome received(struct connection *connection, const struct step *step, ssize_t got);
static void disarm(struct connection *connection);
static void hang_up(struct connection *connection);

int load_run(const struct plan *plan, struct watch *watch, struct tally *total)
{
    struct load load = {.plan = plan, .watch = watch, .count = plan->threads};
    int error = load_init(&load) ? run_threads(&load) : -ENOMEM;
    for (size_t i = 0; error == 0 && i < load.count; i++) {
        tally_add(total, &load.tallies[i]);
    }
    load_finish(&load);
    return error;
}

static bool load_init(struct load *load)
{
    const struct plan *plan = load->plan;
    size_t connections = plan->connections;
    pthread_mutex_init(&load->gate, NULL);
    load->loops = space_create(load->count, sizeof *load->loops);
    load->tallies = space_create(load->count, sizeof *load->tallies);
    load->flights = space_create(connections * plan->pipeline, sizeof *load->flights);
    load->connections = space_create(connections, sizeof *load->connections);
    load->heaps = space_create(connections + load->count, sizeof *load->heaps);
    load->rooms = space_create(connections, SESSION_ROOM);
    bool complete = load->loops != NULL && load->tallies != NULL && load->flights != NULL &&
                    load->connections != NULL && load->heaps != NULL && load->rooms != NULL;
    for (size_t i = 0; complete && i < load->count; i++) {
        complete = loop_init(load, i);
    }
    return complete;
}

static void load_finish(struct load *load)
{
    size_t connections = load->plan->connections;
    for (size_t i = 0; load->loops != NULL && i < load->count; i++) {
        if (load->loops[i].base != NULL) {
            event_base_free(load->loops[i].base);
        }
    }
    space_destroy(load->rooms, connections, SESSION_ROOM);
    space_destroy(load->heaps, connections + load->count, sizeof *load->heaps);
    space_destroy(load->connections, connections, sizeof *load->connections);
    space_destroy(load->flights, connections * load->plan->pipeline, sizeof *load->flights);
    space_destroy(load->tallies, load->count, sizeof *load->tallies);
    space_destroy(load->loops, load->count, sizeof *load->loops);
    pthread_mutex_destroy(&load->gate);
}

/* Loop `index` has the connections from this one on, up to those of the next loop. */
static size_t first_of_loop(const struct load *load, size_t index)
{
    return load->plan->connections * index / load->count;
}

static bool loop_init(struct load *load, size_t index)
{
    const struct plan *plan = load->plan;
    struct loop *loop = &load->loops[index];
    size_t first = first_of_loop(load, index);
    size_t end = first_of_loop(load, index + 1);
    loop->load = load;
    loop->connections = &load->connections[first];
    loop->count = end - first;
    loop->deadlines.heap = &load->heaps[first + index]; /* each has room for one more */
    for (size_t i = first; i < end; i++) {
        struct connection *connection = &load->connections[i];
        connection->loop = loop;
        connection->stream.fd = -1;
        session_init(&connection->session, &(struct session_place){
                                               .plan = plan,
                                               .course = &load->watch->course,
                                               .tally = &load->tallies[index],
                                               .pulse = watch_pulse(load->watch, index),
                                               .flights = &load->flights[i * plan->pipeline],
                                               .scratch = loop->scratch,
                                               .room = &load->rooms[i * SESSION_ROOM],
                                           });
    }
    loop->base = base_create(plan);
    return loop->base != NULL && evtimer_assign(&loop->tick, loop->base, on_tick, loop) == 0;
}

static struct event_base *base_create(const struct plan *plan)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* each has one thread */
    if (plan->rate > 0 || plan->think_high_ns > 0) {
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    }
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/* ---- threads ---- */

/* Starts a thread for each loop; returns how many there are. */
static size_t start_threads(struct load *load, int *error)
{
    size_t started = 0;
    while (started < load->count && *error == 0) {
        struct loop *loop = &load->loops[started];
        *error = -pthread_create(&loop->thread, NULL, work, loop);
        started += *error == 0;
    }
    return started;
}

static int run_threads(struct load *load)
{
    int error = 0;
    watch_expect(load->watch, load->count);
    pthread_mutex_lock(&load->gate);
    size_t started = start_threads(load, &error);
    if (error != 0) {
        course_stop(&load->watch->course);
    }
    course_begin(&load->watch->course, clock_monotonic_ns());
    pthread_mutex_unlock(&load->gate);
    while (error == 0 && watch_workers(load->watch) == WATCH_STOPPING) {
        /* the loops look up by themselves */
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(load->loops[i].thread, NULL);
    }
    return error;
}

/* ---- one loop's life ---- */

static void *work(void *argument)
{
    struct loop *loop = argument;
    struct load *load = loop->load;
    pthread_mutex_lock(&load->gate);
    pthread_mutex_unlock(&load->gate);
    loop->now_ns = clock_monotonic_ns();
    set_tick(loop);
    event_base_dispatch(loop->base);
    watch_leave(load->watch);
    return NULL;
}

/* At once while connections are still to be begun, then at the earliest deadline, and often enough
 * to see that the run was stopped. */
static void set_tick(struct loop *loop)
{
    uint64_t next_ns = deadlines_next(&loop->deadlines);
    uint64_t look_ns = loop->now_ns + (loop->begun < loop->count ? 0 : LOOK_UP_NS);
    loop->tick_ns = next_ns < look_ns ? next_ns : look_ns;
    uint64_t wait_ns = loop->tick_ns > loop->now_ns ? loop->tick_ns - loop->now_ns : 0;
    struct timeval wait = clock_timeval(wait_ns);
    evtimer_add(&loop->tick, &wait);
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
    if (loop->now_ns >= course_end(&loop->load->watch->course)) {
        for (size_t i = 0; i < loop->begun; i++) {
            on_deadline(&loop->connections[i]);
        }
    }
    begin_some(loop);
    set_tick(loop);
}

static void begin_some(struct loop *loop)
{
    for (size_t i = 0; i < BEGIN_AT_ONCE && loop->begun < loop->count; i++) {
        carry_on(&loop->connections[loop->begun++], (struct outcome){CAME_NOTHING, 0, 0});
    }
}

/* ---- one connection's life ---- */

static void on_deadline(struct connection *connection)
{
    switch (connection->step->kind) {
    case STEP_FINISHED:
        return;
    case STEP_CONNECT:
        hang_up(connection);
        break;
    default:
        break;
    }
    carry_on(connection, (struct outcome){CAME_TIMED_OUT, 0, 0});
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd;
    if (what != connection->awaited) {
        disarm(connection); /* nobody listens now; whatever it is, the next call will find it */
        return;
    }
    connection->drained = false;
    struct outcome came = carry_out(connection, connection->step);
    if (came.kind != CAME_NOTHING) {
        carry_on(connection, came);
    }
}

/* Goes from step to step for as long as none has to be waited for. */
static void carry_on(struct connection *connection, struct outcome came)
{
    do {
        connection->step = session_step(&connection->session, connection->loop->now_ns, came);
        came = carry_out(connection, connection->step);
    } while (came.kind != CAME_NOTHING);
}

/* CAME_NOTHING: the step waits, and on_ready() or on_deadline() will go on with it. */
static struct outcome carry_out(struct connection *connection, const struct step *step)
{
    switch (step->kind) {
    case STEP_CONNECT:
        return carry_connect(connection, step);
    case STEP_SEND:
        return carry_send(connection, step);
    case STEP_READ:
        return carry_read(connection, step);
    case STEP_DISCARD:
        return carry_discard(connection, step);
    case STEP_WAIT:
        return carry_wait(connection, step);
    case STEP_TELL:
        trace_verdict(step->verdict);
        break;
    case STEP_CLOSE:
        return carry_close(connection);
    case STEP_FINISHED:
        return carry_finish(connection);
    case STEP_BEGIN:
        break;
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

/* What a call returned, as the session is told. */
static struct outcome outcome_of(ssize_t count)
{
    if (count > 0) {
        return (struct outcome){CAME_DONE, 0, (size_t)count};
    }
    if (count == 0) {
        return (struct outcome){CAME_ENDED, 0, 0};
    }
    return (struct outcome){CAME_FAILED, (int)-count, 0};
}

static void disarm(struct connection *connection)
{
    if (connection->armed != 0) {
        event_del(&connection->event);
        connection->armed = 0;
    }
}

static bool arm(struct connection *connection, short what)
{
    if (connection->armed == what) {
        return true;
    }
    disarm(connection);
    event_assign(&connection->event, connection->loop->base, connection->stream.fd,
                 what | EV_PERSIST, on_ready, connection);
    connection->armed = event_add(&connection->event, NULL) == 0 ? what : 0;
    return connection->armed == what;
}

/* Waits for the descriptor, or with `what` nothing, only for the step's deadline. */
static struct outcome await(struct connection *connection, const struct step *step, short what)
{
    struct loop *loop = connection->loop;
    if (what != 0 && !arm(connection, what)) {
        return (struct outcome){CAME_FAILED, ENOMEM, 0};
    }
    connection->awaited = what;
    deadlines_set(&loop->deadlines, &connection->deadline, step->deadline_ns);
    if (step->deadline_ns < loop->tick_ns) {
        set_tick(loop);
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}

static struct outcome carry_connect(struct connection *connection, const struct step *step)
{
    if (connection->stream.fd < 0) {
        int fd = connect_begin(&step->origin->address);
        if (fd < 0) {
            return outcome_of(fd);
        }
        stream_init(&connection->stream, fd, step->origin->tcp);
        return await(connection, step, EV_WRITE);
    }
    int error = connect_result(connection->stream.fd);
    connection->loop->now_ns = clock_monotonic_ns();
    if (error < 0) {
        hang_up(connection);
        return outcome_of(error);
    }
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome carry_send(struct connection *connection, const struct step *step)
{
    ssize_t sent = stream_send(&connection->stream, step->pieces, step->piece_count, false);
    if (sent == STREAM_AGAIN) {
        return await(connection, step, EV_WRITE);
    }
    connection->drained = true; /* an answer takes its time */
    return outcome_of(sent);
}

static struct outcome carry_read(struct connection *connection, const struct step *step)
{
    if (connection->drained) {
        return await(connection, step, EV_READ);
    }
    ssize_t got = stream_receive(&connection->stream, step->space, step->size);
    return received(connection, step, got);
}

static struct outcome carry_discard(struct connection *connection, const struct step *step)
{
    struct loop *loop = connection->loop;
    if (connection->drained) {
        return await(connection, step, EV_READ);
    }
    ssize_t got = stream_discard(&connection->stream, step->size, loop->scratch, SESSION_SCRATCH);
    return received(connection, step, got);
}

static struct outcome received(struct connection *connection, const struct step *step, ssize_t got)
{
    connection->loop->now_ns = clock_monotonic_ns();
    if (got == STREAM_AGAIN) {
        return await(connection, step, EV_READ);
    }
    connection->drained = got > 0 && (size_t)got < step->size;
    return outcome_of(got);
}

static struct outcome carry_wait(struct connection *connection, const struct step *step)
{
    return await(connection, step, 0);
}

static struct outcome carry_close(struct connection *connection)
{
    hang_up(connection);
    return (struct outcome){CAME_DONE, 0, 0};
}

static struct outcome carry_finish(struct connection *connection)
{
    struct loop *loop = connection->loop;
    deadlines_set(&loop->deadlines, &connection->deadline, CLOCK_NEVER);
    if (++loop->finished == loop->count) {
        event_base_loopbreak(loop->base);
    }
    return (struct outcome){CAME_NOTHING, 0, 0};
}

static void hang_up(struct connection *connection)
{
    disarm(connection);
    if (connection->stream.fd >= 0) {
        close(connection->stream.fd);
        connection->stream.fd = -1;
    }
}
