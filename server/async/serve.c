/* The non-blocking model: one thread turns a loop over many connections and waits for all of them
 * at once.
 *
 * Read this beside sync/serve.c: the same steps in the same order, waited for in the other way.
 * Here a conversation is cut into callbacks, in the order in which a connection lives through them,
 * and its struct remembers where it was. Nothing on a loop waits: what might is done by helpers.
 * (It computes, though: --compute without --offload, and the handshakes of TLS.)
 */
#include "server/serve.h"

#include "lib/base/log.h"
#include "lib/net/stream.h"
#include "server/admit.h"
#include "server/async/loop.h"
#include "server/tls/handshake.h"
#include "server/transmit.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the one event of a connection is assigned to. */
enum armed {
    ARMED_NOT,
    ARMED_HANDSHAKE,
    ARMED_READ,
    ARMED_SEND,
    ARMED_WAIT,
    ARMED_END,
    ARMED_LINGER,
};

/* An event tells of what has come once, and of a reset, which may come with it, not at all. */
enum left {
    LEFT_NOTHING,
    LEFT_PERHAPS, /* if so, then an end, or the remainder of what has begun to come */
    LEFT_SURELY,
};

struct connection {
    struct event event;
    struct wait wait;
    struct loop *loop;
    struct stream stream;
    struct session session;
    uint8_t armed;
    uint8_t direction; /* in which its event waits: EV_READ or EV_WRITE */
    uint8_t left;      /* by the last receive, of which no event will tell */
    bool crossed;      /* before it can receive more, TLS has to send something */
    bool lingers;      /* ARMED_END: and then */
    bool errand;       /* a helper is out for it */
};

/* What a helper does for a connection. */
struct errand {
    struct job job;
    struct connection *connection;
    struct step step;
    const struct store *store;
    bool elsewhere;     /* FETCH: not to be opened promptly */
    enum loaded loaded; /* LOAD */
};

static void converse(struct connection *c, struct outcome came);
static bool handshake_step(struct connection *c, const struct step *step, const struct moment *now,
                           struct outcome *came);
static void on_shakable(evutil_socket_t fd, short what, void *connection);
static bool read_step(struct connection *c, const struct step *step, struct outcome *came);
static void on_readable(evutil_socket_t fd, short what, void *connection);
static bool fetch_step(struct connection *c, const struct step *step, uint64_t now_ns,
                       struct outcome *came);
static void on_fetched(struct job *job);
static bool load_step(struct connection *c, const struct step *step, uint64_t now_ns,
                      struct outcome *came);
static void on_loaded(struct job *job);
static bool wait_step(struct connection *c, const struct step *step, struct outcome *came);
static void on_waited(evutil_socket_t fd, short what, void *connection);
static bool work_step(struct connection *c, const struct step *step, struct outcome *came);
static void on_worked(struct job *job);
static bool await_room(struct connection *c, const struct step *step, const struct moment *now,
                       struct outcome *came);
static bool send_step(struct connection *c, const struct step *step, struct moment *now,
                      struct outcome *came);
static void on_writable(evutil_socket_t fd, short what, void *connection);
static void close_step(struct connection *c, const struct step *step);
static void say_end(struct connection *c, uint64_t until_ns);
static void on_endable(evutil_socket_t fd, short what, void *connection);
static void linger(struct connection *c, uint64_t until_ns);
static void on_leftover(evutil_socket_t fd, short what, void *connection);
static void connection_close(struct connection *c);

/* --- accept ----------------------------------------------------------------------------------- */

static void on_accepted(void *owner, int fd, const struct client *client, bool tls)
{
    struct loop *loop = owner;
    struct site *site = loop->server->site;
    if (!admit(site, loop->ledger, fd, client, tls)) {
        return;
    }
    struct connection *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        ledger_mishap(loop->ledger, MISHAP_MEMORY);
        turn_away(loop->ledger, fd, tls);
        admit_left(site, client);
        return;
    }
    struct moment now = calendar_now(&loop->calendar);
    c->loop = loop;
    stream_init(&c->stream, fd, client->kind != CLIENT_LOCAL);
    session_init(&c->session, site, loop->ledger, client, &now);
    if (tls) {
        session_secure(&c->session);
    }
    if (loop->draining) {
        session_drain(&c->session);
    }
    loop_enter(loop, &c->wait);
    converse(c, (struct outcome){CAME_UNCHANGED, 0});
}

/* --- converse --------------------------------------------------------------------------------- */

/* The memory of a slice that has left, or never will, goes at once. */
static void clear_tray(struct connection *c, struct exchange *exchange)
{
    char *spent = exchange != NULL ? exchange_take_spent(exchange) : NULL;
    if (spent != NULL) {
        loop_clear(c->loop, spent);
    }
}

/* Carries out steps until one has to be waited for; the callback that ends the wait calls this
 * again. Before the next slice of a file the others have their turn: that is fair, and keeps what
 * is in flight small enough for the core's cache. */
static void converse(struct connection *c, struct outcome came)
{
    struct moment now = calendar_now(&c->loop->calendar);
    struct step step;
    bool ready = true;
    bool had_turn = false;
    while (ready) {
        session_step(&c->session, &now, came, &step);
        clear_tray(c, c->session.exchange);
        switch (step.kind) {
        case STEP_HANDSHAKE:
            ready = handshake_step(c, &step, &now, &came);
            now = calendar_now(&c->loop->calendar); /* it computes for a while */
            break;
        case STEP_READ:
            ready = read_step(c, &step, &came);
            if (ready) { /* what has come may be younger */
                now = calendar_now(&c->loop->calendar);
            }
            break;
        case STEP_FETCH:
            ready = fetch_step(c, &step, now.now_ns, &came);
            break;
        case STEP_LOAD:
            ready = had_turn ? await_room(c, &step, &now, &came)
                             : load_step(c, &step, now.now_ns, &came);
            break;
        case STEP_WAIT:
            ready = wait_step(c, &step, &came);
            break;
        case STEP_WORK:
            ready = work_step(c, &step, &came);
            now = calendar_now(&c->loop->calendar);
            break;
        case STEP_SEND:
            ready = send_step(c, &step, &now, &came);
            had_turn = true;
            break;
        case STEP_CLOSE:
            close_step(c, &step);
            return;
        }
    }
}

/* Assigns the connection's one event to what it waits for now, in the direction that has to be
 * waited for (0 with a time instead); mostly it is so already. Reading is edge-triggered: the
 * kernel tells of bytes once, and need not look again after every reply. False: there is no memory
 * for it, and the connection waits for nothing. */
static bool arm_for(struct connection *c, enum armed armed, short direction, uint64_t timeout_ns)
{
    static const event_callback_fn callbacks[] = {
        [ARMED_HANDSHAKE] = on_shakable, [ARMED_READ] = on_readable, [ARMED_SEND] = on_writable,
        [ARMED_WAIT] = on_waited,        [ARMED_END] = on_endable,   [ARMED_LINGER] = on_leftover,
    };
    if (c->armed != ARMED_NOT) {
        event_del(&c->event);
    }
    c->armed = ARMED_NOT;
    if (armed != ARMED_NOT) {
        bool edges = armed == ARMED_READ && direction == EV_READ;
        short what =
            direction | (direction != 0 ? EV_PERSIST : 0) | (edges ? EV_CLOSED | EV_ET : 0);
        struct timeval timeout = clock_timeval(timeout_ns + NS_PER_US);
        event_assign(&c->event, c->loop->base, direction == 0 ? -1 : c->stream.fd, what,
                     callbacks[armed], c);
        if (event_add(&c->event, direction == 0 ? &timeout : NULL) < 0) {
            return false;
        }
    }
    c->armed = (uint8_t)armed;
    c->direction = (uint8_t)direction;
    return true;
}

static bool arm(struct connection *c, enum armed armed, short direction)
{
    return (c->armed == armed && c->direction == direction) || arm_for(c, armed, direction, 0);
}

/* To retry is to arm for the direction that is wanted, and to make the same call again. */
static short direction_of(ssize_t again)
{
    return again == STREAM_WANT_READ ? EV_READ : EV_WRITE;
}

static void disarm(struct connection *c)
{
    if (c->armed != ARMED_NOT) {
        arm_for(c, ARMED_NOT, 0, 0);
    }
}

/* What cannot be waited for will not come. */
static bool has_failed(struct outcome *came)
{
    *came = (struct outcome){CAME_FAILED, 0};
    return true;
}

/* While a helper is out, what the event was last assigned to may still happen, and nobody has asked
 * for it: it is left alone until a step asks again. */
static bool is_away(struct connection *c)
{
    if (c->errand) {
        disarm(c);
    }
    return c->errand;
}

/* --- handshake -------------------------------------------------------------------------------- */

static bool lend_exchange(struct connection *c)
{
    struct exchange *exchange = loop_lend(c->loop);
    if (exchange == NULL) {
        ledger_mishap(c->loop->ledger, MISHAP_MEMORY);
        return false;
    }
    session_lend(&c->session, exchange);
    return true;
}

static bool handshake_step(struct connection *c, const struct step *step, const struct moment *now,
                           struct outcome *came)
{
    int again = handshake(&c->stream, c->loop->server->site, c->loop->ledger, came);
    if (again == 0) {
        c->left = stream_holds(&c->stream) ? LEFT_SURELY : LEFT_NOTHING;
        return (came->kind == CAME_PLAIN && !lend_exchange(c)) ? has_failed(came) : true;
    }
    if (step->until_ns <= now->now_ns) {
        *came = (struct outcome){CAME_TIMED_OUT, 0};
        return true;
    }
    if (!arm(c, ARMED_HANDSHAKE, direction_of(again))) {
        return has_failed(came);
    }
    loop_wait(c->loop, &c->wait, step->patience, step->until_ns);
    return false;
}

/* A request that came with the end of the handshake may have sent a helper out already. */
static void on_shakable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    (void)fd;
    (void)what;
    if (!is_away(c)) {
        converse(c, (struct outcome){CAME_UNCHANGED, 0});
    }
}

/* --- read ------------------------------------------------------------------------------------- */

static struct outcome outcome_of_receive(ssize_t got)
{
    if (got > 0) {
        return (struct outcome){CAME_DONE, (size_t)got};
    }
    switch (got) {
    case 0:
    case STREAM_TRUNCATED: /* which a request that is whole does not suffer from */
        return (struct outcome){CAME_ENDED, 0};
    case STREAM_WANT_READ:
    case STREAM_WANT_WRITE:
    case -EINTR:
        return (struct outcome){CAME_UNCHANGED, 0};
    default:
        return (struct outcome){CAME_FAILED, 0};
    }
}

static struct outcome receive(struct connection *c, bool ended)
{
    if (c->session.exchange == NULL && !lend_exchange(c)) {
        return (struct outcome){CAME_FAILED, 0};
    }
    struct space space = session_space(&c->session);
    ssize_t got = stream_receive(&c->stream, space.at, space.size);
    bool surely = ended || (size_t)got == space.size || stream_holds(&c->stream);
    c->crossed = got == STREAM_WANT_WRITE;
    c->left = got == -EINTR ? LEFT_SURELY
              : got <= 0    ? LEFT_NOTHING
              : surely      ? LEFT_SURELY
                            : LEFT_PERHAPS;
    return outcome_of_receive(got);
}

static bool read_step(struct connection *c, const struct step *step, struct outcome *came)
{
    bool at_rest = session_at_rest(&c->session);
    if (c->left == LEFT_SURELY || (c->left == LEFT_PERHAPS && !at_rest)) {
        *came = receive(c, c->left == LEFT_SURELY);
        return true;
    }
    if (at_rest) {
        loop_take_back(c->loop, session_take_back(&c->session));
    }
    if (!arm(c, ARMED_READ, c->crossed ? EV_WRITE : EV_READ)) {
        return has_failed(came);
    }
    loop_wait(c->loop, &c->wait, step->patience, step->until_ns);
    return false;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    (void)fd;
    if (!is_away(c)) {
        converse(c, receive(c, what & EV_CLOSED));
    }
}

/* --- fetch, load, wait, work ------------------------------------------------------------------ */

/* For a helper, which has to be given it then. NULL when out of memory. */
static struct job *errand_begin(struct connection *c, const struct step *step,
                                void (*run)(struct job *), void (*done)(struct job *))
{
    struct errand *errand = malloc(sizeof(*errand));
    if (errand == NULL) {
        return NULL;
    }
    *errand = (struct errand){
        .job = {.run = run, .done = done, .home = c->loop->mailbox},
        .connection = c,
        .step = *step,
        .store = c->loop->server->site->store,
    };
    c->errand = true;
    loop_wait(c->loop, &c->wait, PATIENCE_ENDLESS, CLOCK_NEVER);
    return &errand->job;
}

static struct connection *errand_end(struct errand *errand)
{
    struct connection *c = errand->connection;
    c->errand = false;
    free(errand);
    return c;
}

static void run_fetch(struct job *job)
{
    struct errand *errand = (struct errand *)job;
    if (job->prompt) {
        errand->elsewhere = !fetch_open_promptly(errand->step.fetch, errand->store);
    } else {
        fetch_open(errand->step.fetch, errand->store);
    }
}

static bool fetch_step(struct connection *c, const struct step *step, uint64_t now_ns,
                       struct outcome *came)
{
    struct server *server = c->loop->server;
    *came = (struct outcome){CAME_DONE, 0};
    if (fetch_recall(step->fetch, c->loop->cache, server->site->trust_ns, now_ns)) {
        return true;
    }
    if (step->fetch->warm_only) {
        fetch_forget(step->fetch, c->loop->cache);
        came->kind = CAME_COLD;
        return true;
    }
    struct job *job = errand_begin(c, step, run_fetch, on_fetched);
    if (job == NULL) {
        fetch_forget(step->fetch, c->loop->cache);
        step->fetch->came = FETCH_BUSY;
        return true;
    }
    job->prompt = fetch_is_prompt(step->fetch, server->site->store);
    helpers_do(server->files, job);
    return false;
}

static void on_fetched(struct job *job)
{
    struct errand *errand = (struct errand *)job;
    struct fetch *fetch = errand->step.fetch;
    if (job->prompt && errand->elsewhere) {
        job->prompt = false;
        helpers_do(errand->connection->loop->server->files, job);
        return;
    }
    struct connection *c = errand_end(errand);
    fetch_keep(fetch, c->loop->cache);
    converse(c, (struct outcome){CAME_DONE, 0});
}

static void run_load(struct job *job)
{
    struct errand *errand = (struct errand *)job;
    errand->loaded = load_read(errand->step.load);
}

static bool load_step(struct connection *c, const struct step *step, uint64_t now_ns,
                      struct outcome *came)
{
    enum loaded loaded = load_recall(step->load, now_ns);
    struct job *job = loaded == LOAD_COLD ? errand_begin(c, step, run_load, on_loaded) : NULL;
    if (job == NULL) {
        *came = (struct outcome){loaded == LOADED ? CAME_DONE : CAME_FAILED, 0};
        return true;
    }
    job->prompt = load_is_prompt(step->load);
    loop_carry(c->loop, job);
    return false;
}

static void on_loaded(struct job *job)
{
    struct errand *errand = (struct errand *)job;
    enum loaded loaded = errand->loaded;
    loop_carried(errand->connection->loop, job);
    struct connection *c = errand_end(errand);
    if (loaded != LOADED) {
        loop_clear(c->loop, NULL);
    }
    converse(c, (struct outcome){loaded == LOADED ? CAME_DONE : CAME_FAILED, 0});
}

static bool wait_step(struct connection *c, const struct step *step, struct outcome *came)
{
    uint64_t now_ns = clock_monotonic_ns();
    *came = (struct outcome){CAME_DONE, 0};
    if (!arm_for(c, ARMED_WAIT, 0, step->until_ns > now_ns ? step->until_ns - now_ns : 0)) {
        return has_failed(came);
    }
    loop_wait(c->loop, &c->wait, PATIENCE_ENDLESS, CLOCK_NEVER);
    c->wait.until_ns = step->until_ns; /* for on_waited() */
    return false;
}

/* The loop's clock is coarse: a timer may come a few milliseconds before its time. */
static void on_waited(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    uint64_t now_ns = clock_monotonic_ns();
    (void)fd;
    (void)what;
    if (now_ns >= c->wait.until_ns) {
        c->armed = ARMED_NOT;
        converse(c, (struct outcome){CAME_DONE, 0});
    } else if (!arm_for(c, ARMED_WAIT, 0, c->wait.until_ns - now_ns)) {
        converse(c, (struct outcome){CAME_FAILED, 0});
    }
}

static void run_work(struct job *job)
{
    struct errand *errand = (struct errand *)job;
    errand->step.work.call(errand->step.work.argument);
}

static bool work_step(struct connection *c, const struct step *step, struct outcome *came)
{
    struct helpers *offload = c->loop->server->offload;
    struct job *job = offload != NULL ? errand_begin(c, step, run_work, on_worked) : NULL;
    if (job != NULL) {
        helpers_do(offload, job);
        return false;
    }
    *came = (struct outcome){CAME_DONE, 0};
    step->work.call(step->work.argument); /* and the loop stands still for as long */
    return true;
}

static void on_worked(struct job *job)
{
    converse(errand_end((struct errand *)job), (struct outcome){CAME_DONE, 0});
}

/* --- send ------------------------------------------------------------------------------------- */

static bool await_turn(struct connection *c, const struct step *step, const struct moment *now,
                       short direction, struct outcome *came)
{
    if (step->until_ns <= now->now_ns) {
        *came = (struct outcome){CAME_TIMED_OUT, stream_unsent(&c->stream)};
        return true;
    }
    if (!arm(c, ARMED_SEND, direction)) {
        return has_failed(came);
    }
    loop_wait(c->loop, &c->wait, step->patience, step->until_ns);
    return false;
}

static bool await_room(struct connection *c, const struct step *step, const struct moment *now,
                       struct outcome *came)
{
    return await_turn(c, step, now, EV_WRITE, came);
}

static bool send_step(struct connection *c, const struct step *step, struct moment *now,
                      struct outcome *came)
{
    *came = (struct outcome){CAME_DONE, 0};
    enum transmitted transmitted = transmit(&c->stream, step, &came->bytes);
    switch (transmitted) {
    case TRANSMIT_DONE:
        if (c->loop->ledger != NULL) { /* which is told how long a reply took */
            now->now_ns = clock_monotonic_ns();
        }
        return true;
    case TRANSMIT_AGAIN:
    case TRANSMIT_TO_READ:
        if (!tray_is_roomy(&c->loop->tray)) {
            session_unload(&c->session);
            clear_tray(c, c->session.exchange);
        }
        return await_turn(c, step, now, transmitted == TRANSMIT_TO_READ ? EV_READ : EV_WRITE, came);
    case TRANSMIT_FAILED:
        break;
    }
    came->kind = CAME_FAILED;
    return true;
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    (void)fd;
    (void)what;
    if (!is_away(c)) {
        converse(c, (struct outcome){CAME_UNCHANGED, 0});
    }
}

/* --- close ------------------------------------------------------------------------------------ */

static void close_step(struct connection *c, const struct step *step)
{
    c->lingers = step->close.linger;
    if (step->close.whole) {
        say_end(c, step->until_ns);
    } else {
        linger(c, step->until_ns);
    }
}

/* A client that does not take our end of the conversation is waited for until the deadline. */
static void say_end(struct connection *c, uint64_t until_ns)
{
    int came = stream_end(&c->stream);
    if (stream_may_repeat(came) && arm(c, ARMED_END, direction_of(came))) {
        loop_wait(c->loop, &c->wait, PATIENCE_LINGER, until_ns);
    } else {
        linger(c, until_ns);
    }
}

static void on_endable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    (void)fd;
    (void)what;
    say_end(c, c->wait.until_ns);
}

static void linger(struct connection *c, uint64_t until_ns)
{
    if (c->lingers && shutdown(c->stream.fd, SHUT_WR) == 0 && arm(c, ARMED_LINGER, EV_READ)) {
        loop_wait(c->loop, &c->wait, PATIENCE_LINGER, until_ns);
    } else {
        connection_close(c);
    }
}

static void on_leftover(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    char dropped[4096];
    (void)fd;
    (void)what;
    ssize_t got = stream_discard(&c->stream, 1 << 20, dropped, sizeof(dropped));
    bool over = got <= 0 && !stream_may_repeat(got);
    if (over || !arm(c, ARMED_LINGER, got == STREAM_WANT_WRITE ? EV_WRITE : EV_READ)) {
        connection_close(c);
    }
}

/* The one way to die. No helper is out for it. */
static void connection_close(struct connection *c)
{
    struct moment now = calendar_now(&c->loop->calendar);
    disarm(c);
    stream_finish(&c->stream);
    close(c->stream.fd);
    struct exchange *exchange = session_finish(&c->session, &now);
    clear_tray(c, exchange);
    loop_take_back(c->loop, exchange);
    admit_left(c->loop->server->site, &c->session.client);
    loop_leave(c->loop, &c->wait);
    free(c);
}

/* --- what a loop calls ------------------------------------------------------------------------ */

static struct connection *connection_of(struct wait *wait)
{
    return (struct connection *)((char *)wait - offsetof(struct connection, wait));
}

/* The bytes that were waited for may be here: of many events at once a loop is told of some, and
 * looks at the time before it asks for the others. */
static void on_overdue(struct wait *wait)
{
    struct connection *c = connection_of(wait);
    struct outcome came = {CAME_UNCHANGED, 0};
    if (c->armed == ARMED_END || c->armed == ARMED_LINGER) {
        connection_close(c);
        return;
    }
    if (c->armed == ARMED_HANDSHAKE) { /* tried once more before it is too late */
        converse(c, came);
        return;
    }
    if (c->armed == ARMED_READ) {
        came = receive(c, false);
    }
    if (came.kind == CAME_UNCHANGED) {
        came = (struct outcome){CAME_TIMED_OUT, stream_unsent(&c->stream)};
    }
    converse(c, came);
}

static void drain(struct wait *wait)
{
    struct connection *c = connection_of(wait);
    session_drain(&c->session);
    if ((c->armed == ARMED_HANDSHAKE || c->armed == ARMED_READ) && !c->errand) {
        converse(c, (struct outcome){CAME_DRAINING, 0});
    }
}

static void on_stop(struct loop *loop)
{
    loop_each(loop, drain);
}

static void end_wait(struct wait *wait)
{
    struct connection *c = connection_of(wait);
    if (c->armed == ARMED_WAIT) {
        converse(c, (struct outcome){CAME_DONE, 0});
    }
}

/* Waits end now, and what their replies say may still leave. */
static void on_cut(struct loop *loop)
{
    loop_each(loop, end_wait);
}

static void finish(struct wait *wait)
{
    struct connection *c = connection_of(wait);
    if (!c->errand) {
        connection_close(c);
    }
}

/* --- the server ------------------------------------------------------------------------------- */

enum {
    REST_MS = 200 /* for a helper that closes a file */
};

/* Ends what the drain has left of a loop's connections; how many a helper is still out for. */
static size_t finish_all(struct loop *loop)
{
    if (loop->connections > 0) {
        log_warn("%zu connections were cut at the end of the drain timeout", loop->connections);
    }
    for (struct job *job; (job = tray_dismiss(&loop->tray)) != NULL;) {
        errand_end((struct errand *)job);
    }
    loop_each(loop, finish);
    return loop->connections;
}

int serve(struct site *site, const struct server_options *options, const struct listener *listeners,
          unsigned count, struct control *control)
{
    static const struct loop_calls calls = {on_accepted, on_overdue, on_stop, on_cut};
    struct server *server = server_create(site, options, &calls);
    if (server == NULL) {
        return 1;
    }
    enum server_end end = server_run(server, listeners, count, control);
    if (end == SERVER_LEFT) {
        return 0; /* the process ends under the loops that are still running */
    }
    size_t left = 0;
    for (unsigned i = 0; i < server->loops; i++) {
        left += finish_all(&server->loop[i]);
    }
    /* some helper may still be in a system call, and uses all this */
    if (left == 0 && helpers_rest(server->files, clock_monotonic_ns() + REST_MS * NS_PER_MS)) {
        server_destroy(server);
    }
    return end == SERVER_FAILED;
}

static void describe(char *to, size_t room, const struct server_options *options)
{
    snprintf(to, room, "async, %u %s", options->loops, options->loops == 1 ? "loop" : "loops");
}

const struct serve_model serve_model = {
    .program = "cristo-async-server",
    .sister = "cristo-sync-server",
    .owner = OPTION_ASYNC,
    .address = "127.0.0.1:8081",
    .describe = describe,
};
