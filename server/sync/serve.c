/* The blocking model: a thread for each connection, which waits inside its calls.
 *
 * Read this beside async/serve.c: the same steps in the same order, waited for in the other way.
 * Here a conversation is a loop, and the stack remembers where it was. */
#include "server/serve.h"

#include "lib/base/log.h"
#include "lib/net/listen.h"
#include "lib/net/stream.h"
#include "server/admit.h"
#include "server/calendar.h"
#include "server/listeners.h"
#include "server/sync/crowd.h"
#include "server/tls/handshake.h"
#include "server/transmit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
    struct site *site;
    struct cache_set *caches;
    struct crowd crowd;
    struct control *control;

    struct pollfd *ready; /* the control, then the doors */
    struct door *door;
    unsigned doors; /* that are open */
    bool full;      /* of connections; the accepting thread's */
};

/* A listening socket. */
struct door {
    int fd;
    bool tls;
    bool lent; /* others hold the socket too */
};

/* A member of the crowd. Lives on the stack of its thread. */
struct connection {
    struct member member;
    struct server *server;
    struct stream stream;
    struct session session;
    struct calendar calendar;
};

static void *converse(void *argument);
static struct outcome handshake_step(struct connection *c, const struct step *step);
static struct outcome read_step(struct connection *c, const struct step *step);
static struct outcome fetch_step(struct connection *c, const struct step *step, uint64_t now_ns);
static struct outcome load_step(const struct step *step);
static struct outcome wait_step(struct connection *c, const struct step *step);
static struct outcome work_step(const struct step *step);
static struct outcome send_step(struct connection *c, const struct step *step, uint64_t now_ns);
static void close_step(struct connection *c, const struct step *step);

/* --- accept ----------------------------------------------------------------------------------- */

/* What a new thread is told. It frees it. */
struct ticket {
    struct server *server;
    int fd;
    bool tls;
    struct client client;
};

static struct ledger *ledger_here(const struct server *server)
{
    return ledgers_here(server->site->ledgers);
}

static void on_accepted(struct server *server, int fd, const struct client *client, bool tls)
{
    if (!admit(server->site, ledger_here(server), fd, client, tls)) {
        return;
    }
    struct ticket *ticket = malloc(sizeof(*ticket));
    if (ticket != NULL) {
        *ticket = (struct ticket){server, fd, tls, *client};
        if (crowd_start(&server->crowd, converse, ticket)) {
            return;
        }
        free(ticket);
    }
    ledger_mishap(ledger_here(server), ticket != NULL ? MISHAP_THREAD : MISHAP_MEMORY);
    if (ticket != NULL) {
        shortage_of_threads(&server->site->shortage);
    }
    turn_away(ledger_here(server), fd, tls);
    admit_left(server->site, client);
}

enum accepted {
    ACCEPTED_ALL,   /* nobody waits any more */
    ACCEPTED_SOME,  /* or there is no room for more: others have their turn */
    ACCEPTED_PAUSE, /* out of descriptors or memory: to accept again at once would only spin */
};

enum {
    ACCEPT_AT_ONCE = 64,
    PAUSE_MS = 50
};

static enum accepted accept_some(struct server *server, const struct door *door)
{
    for (int i = 0; i < ACCEPT_AT_ONCE && crowd_has_room(&server->crowd); i++) {
        struct address peer = {.size = sizeof(peer.at)};
        int fd = accept4(door->fd, &peer.at.any, &peer.size, SOCK_CLOEXEC);
        if (fd >= 0) {
            struct client client = client_of(&peer);
            on_accepted(server, fd, &client, door->tls);
        } else if (errno == EAGAIN) {
            return ACCEPTED_ALL;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            shortage_of_descriptors(&server->site->shortage, errno);
            ledger_mishap(ledger_here(server), MISHAP_ACCEPT);
            return ACCEPTED_PAUSE;
        }
    }
    return ACCEPTED_SOME;
}

/* Whether one more may be let in; that there is no room is told once, when it is used up. */
static bool has_room(struct server *server)
{
    bool room = crowd_has_room(&server->crowd);
    if (!room && !server->full) {
        ledger_limit(ledger_here(server), LIMIT_CONNECTIONS);
        shortage_of_connections(&server->site->shortage);
    }
    server->full = !room;
    return room;
}

/* From every door; what the hindmost of them said. */
static enum accepted accept_all(struct server *server)
{
    enum accepted all = ACCEPTED_ALL;
    for (unsigned i = 0; i < server->doors; i++) {
        enum accepted one = accept_some(server, &server->door[i]);
        all = one > all ? one : all;
    }
    return all;
}

/* While there is no room for one more, only orders are waited for, and room looked for after a
 * pause. */
static enum order_kind accept_until_told(struct server *server)
{
    bool may_accept = true;
    for (;;) {
        server->ready[0].fd = server->control->fd;
        int count =
            poll(server->ready, may_accept ? 1 + server->doors : 1, may_accept ? -1 : PAUSE_MS);
        if (count > 0 && server->ready[0].revents != 0) {
            enum order_kind order = control_take(server->control);
            if (order != ORDER_NONE) {
                return order;
            }
        }
        may_accept = accept_all(server) != ACCEPTED_PAUSE;
        may_accept = has_room(server) && may_accept;
    }
}

static bool open_doors(struct server *server, const struct listener *listeners, unsigned count)
{
    unsigned doors = listeners_sockets(listeners, count);
    server->door = calloc(doors, sizeof(server->door[0]));
    server->ready = calloc(1 + doors, sizeof(server->ready[0]));
    if (server->door == NULL || server->ready == NULL) {
        return false;
    }
    server->ready[0].events = POLLIN;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < listeners[i].sockets; j++) {
            int fd = listeners[i].fds[j];
            server->door[server->doors++] = (struct door){fd, listeners[i].tls, listeners[i].lent};
            server->ready[server->doors] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    return true;
}

static void close_doors(struct server *server)
{
    while (server->doors > 0) {
        close(server->door[--server->doors].fd);
    }
}

/* Nobody accepts here after us: no new client is let in, but who has come before still is. Doors at
 * which others do are left to them. The parent, if there still is one, has done it already: some
 * kernels do not let a confined process. */
static void begin_last_call(struct server *server)
{
    unsigned ours = 0;
    for (unsigned i = 0; i < server->doors; i++) {
        if (server->door[i].lent) {
            close(server->door[i].fd);
        } else {
            listen_refuse(server->door[i].fd);
            server->door[ours++] = server->door[i];
        }
    }
    server->doors = ours;
}

/* --- converse --------------------------------------------------------------------------------- */

static void connection_open(struct connection *c, const struct ticket *ticket)
{
    *c = (struct connection){.server = ticket->server};
    struct moment now = calendar_now(&c->calendar);
    stream_init(&c->stream, ticket->fd, ticket->client.kind != CLIENT_LOCAL);
    session_init(&c->session, c->server->site, ledger_here(c->server), &ticket->client, &now);
    if (ticket->tls) {
        session_secure(&c->session);
    }
    crowd_join(&c->server->crowd, &c->member, ticket->fd);
}

static void connection_close(struct connection *c)
{
    struct moment now = calendar_now(&c->calendar);
    struct exchange *exchange = session_finish(&c->session, &now);
    admit_left(c->server->site, &c->session.client);
    stream_finish(&c->stream);
    if (exchange != NULL) {
        crowd_take_back(&c->server->crowd, exchange);
    }
    crowd_leave(&c->server->crowd, &c->member);
}

/* Until when its call may wait. Other steps know of no deadline, or end their wait themselves. */
static uint64_t deadline_of(const struct step *step)
{
    switch (step->kind) {
    case STEP_HANDSHAKE:
    case STEP_READ:
    case STEP_SEND:
    case STEP_CLOSE:
        return step->until_ns;
    default:
        return CLOCK_NEVER;
    }
}

static void *converse(void *argument)
{
    struct ticket ticket = *(struct ticket *)argument;
    struct connection c;
    struct step step;
    struct outcome came = {CAME_UNCHANGED, 0};
    free(argument);
    connection_open(&c, &ticket);
    for (;;) {
        struct moment now = calendar_now(&c.calendar);
        if (atomic_load_explicit(&c.server->crowd.draining, memory_order_relaxed)) {
            session_drain(&c.session);
        }
        session_step(&c.session, &now, came, &step);
        crowd_until(&c.member, deadline_of(&step));
        switch (step.kind) {
        case STEP_HANDSHAKE:
            came = handshake_step(&c, &step);
            break;
        case STEP_READ:
            came = read_step(&c, &step);
            break;
        case STEP_FETCH:
            came = fetch_step(&c, &step, now.now_ns);
            break;
        case STEP_LOAD:
            came = load_step(&step);
            break;
        case STEP_WAIT:
            came = wait_step(&c, &step);
            break;
        case STEP_WORK:
            came = work_step(&step);
            break;
        case STEP_SEND:
            came = send_step(&c, &step, now.now_ns);
            break;
        case STEP_CLOSE:
            close_step(&c, &step);
            connection_close(&c);
            return NULL;
        }
    }
}

/* --- handshake -------------------------------------------------------------------------------- */

static bool is_draining(const struct connection *c)
{
    return atomic_load_explicit(&c->server->crowd.draining, memory_order_relaxed);
}

static bool has_bytes(const struct connection *c)
{
    struct pollfd bytes = {.fd = c->stream.fd, .events = POLLIN};
    return poll(&bytes, 1, 0) > 0;
}

/* Woken: because it is late, because the server was asked to stop, or for nothing. A thread that is
 * kept from running may find both, the signal and its bytes, and is told of the signal. Bytes are
 * no excuse where TLS waits for room to send. */
static struct outcome outcome_of_wake(const struct connection *c, const struct step *step,
                                      ssize_t came)
{
    bool excused = came != STREAM_WANT_WRITE && has_bytes(c);
    if (clock_monotonic_ns() >= step->until_ns && !excused) {
        return (struct outcome){CAME_TIMED_OUT, 0};
    }
    return (struct outcome){is_draining(c) ? CAME_DRAINING : CAME_UNCHANGED, 0};
}

static bool lend_exchange(struct connection *c)
{
    struct exchange *exchange = crowd_lend(&c->server->crowd);
    if (exchange == NULL) {
        ledger_mishap(c->session.ledger, MISHAP_MEMORY);
        return false;
    }
    session_lend(&c->session, exchange);
    return true;
}

static struct outcome handshake_step(struct connection *c, const struct step *step)
{
    struct outcome came;
    int again = handshake(&c->stream, c->server->site, c->session.ledger, &came);
    c->session.ledger = ledger_here(c->server);
    if (again != 0) {
        return outcome_of_wake(c, step, again);
    }
    if (came.kind == CAME_PLAIN && !lend_exchange(c)) {
        came.kind = CAME_FAILED;
    }
    return came;
}

/* --- read ------------------------------------------------------------------------------------- */

/* The thread may have been moved to another core while it waited. */
static struct outcome outcome_of_receive(struct connection *c, const struct step *step, ssize_t got)
{
    c->session.ledger = ledger_here(c->server);
    if (got > 0) {
        return (struct outcome){CAME_DONE, (size_t)got};
    }
    switch (got) {
    case 0:
    case STREAM_TRUNCATED: /* which a request that is whole does not suffer from */
        return (struct outcome){CAME_ENDED, 0};
    case STREAM_WANT_READ: /* a part of a record has come */
    case STREAM_WANT_WRITE:
    case -EINTR:
        return outcome_of_wake(c, step, got);
    default:
        return (struct outcome){CAME_FAILED, 0};
    }
}

/* At rest a thread holds no buffer but these bytes of its stack; an exchange is lent when something
 * has come. */
static struct outcome read_first(struct connection *c, const struct step *step)
{
    char first[512];
    ssize_t got = stream_receive(&c->stream, first, sizeof(first));
    if (got > 0) {
        if (!lend_exchange(c)) {
            return (struct outcome){CAME_FAILED, 0};
        }
        memcpy(session_space(&c->session).at, first, (size_t)got);
    }
    return outcome_of_receive(c, step, got);
}

static struct outcome read_step(struct connection *c, const struct step *step)
{
    if (session_at_rest(&c->session)) {
        struct exchange *exchange = session_take_back(&c->session);
        if (exchange != NULL) {
            crowd_take_back(&c->server->crowd, exchange);
        }
        return read_first(c, step);
    }
    struct space space = session_space(&c->session);
    return outcome_of_receive(c, step, stream_receive(&c->stream, space.at, space.size));
}

/* --- fetch, load, wait, work ------------------------------------------------------------------ */

static struct outcome fetch_step(struct connection *c, const struct step *step, uint64_t now_ns)
{
    struct cache *cache = cache_set_here(c->server->caches);
    const struct site *site = c->server->site;
    if (fetch_recall(step->fetch, cache, site->trust_ns, now_ns)) {
        return (struct outcome){CAME_DONE, 0};
    }
    if (step->fetch->warm_only) {
        fetch_forget(step->fetch, cache);
        return (struct outcome){CAME_COLD, 0};
    }
    fetch_open(step->fetch, site->store);
    fetch_keep(step->fetch, cache);
    return (struct outcome){CAME_DONE, 0};
}

/* The slice stays in the file: a thread may wait for it while it sends. */
static struct outcome load_step(const struct step *step)
{
    return (struct outcome){load_leave(step->load) == LOADED ? CAME_DONE : CAME_FAILED, 0};
}

static uint64_t drain_until_ns(const struct connection *c)
{
    return atomic_load_explicit(&c->server->crowd.drain_until_ns, memory_order_relaxed);
}

static struct outcome wait_step(struct connection *c, const struct step *step)
{
    struct timespec until = clock_timespec(step->until_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        if (clock_monotonic_ns() >= drain_until_ns(c)) {
            break;
        }
    }
    return (struct outcome){CAME_DONE, 0};
}

static struct outcome work_step(const struct step *step)
{
    step->work.call(step->work.argument);
    return (struct outcome){CAME_DONE, 0};
}

/* --- send ------------------------------------------------------------------------------------- */

static struct outcome send_step(struct connection *c, const struct step *step, uint64_t now_ns)
{
    size_t bytes = 0;
    if (step->until_ns <= now_ns) {
        return (struct outcome){CAME_TIMED_OUT, stream_unsent(&c->stream)};
    }
    switch (transmit(&c->stream, step, &bytes)) {
    case TRANSMIT_DONE:
        return (struct outcome){CAME_DONE, bytes};
    case TRANSMIT_TO_READ:
    case TRANSMIT_AGAIN: /* or woken, to look at the time */
        return clock_monotonic_ns() < step->until_ns
                   ? (struct outcome){CAME_UNCHANGED, 0}
                   : (struct outcome){CAME_TIMED_OUT, stream_unsent(&c->stream)};
    case TRANSMIT_FAILED:
        break;
    }
    return (struct outcome){CAME_FAILED, 0};
}

/* --- close ------------------------------------------------------------------------------------ */

/* A client that does not take our end of the conversation is not waited for any longer. */
static void say_end(struct connection *c, const struct step *step)
{
    while (stream_may_repeat(stream_end(&c->stream)) && clock_monotonic_ns() < step->until_ns) {
    }
}

static void close_step(struct connection *c, const struct step *step)
{
    char dropped[512];
    if (step->close.whole) {
        say_end(c, step);
    }
    if (!step->close.linger || shutdown(c->stream.fd, SHUT_WR) < 0) {
        return;
    }
    ssize_t got;
    do {
        got = stream_discard(&c->stream, 1 << 20, dropped, sizeof(dropped));
    } while ((got > 0 || stream_may_repeat(got)) && clock_monotonic_ns() < step->until_ns);
}

/* --- the server ------------------------------------------------------------------------------- */

enum {
    WAKE_EVERY_MS = 50
};

static bool is_told_to_cut(struct server *server)
{
    struct pollfd told = {.fd = server->control->fd, .events = POLLIN};
    return poll(&told, 1, 0) > 0 && control_take(server->control) == ORDER_CUT;
}

/* Waits for a little while; whether somebody is left, or may still come. */
static bool is_busy(struct server *server, uint64_t last_call_ns)
{
    if (server->doors == 0) {
        return crowd_wait(&server->crowd, clock_monotonic_ns() + WAKE_EVERY_MS * NS_PER_MS) > 0;
    }
    enum accepted accepted = accept_all(server);
    if (accepted == ACCEPTED_ALL && clock_monotonic_ns() >= last_call_ns) {
        close_doors(server);
    } else if (accepted != ACCEPTED_SOME || !crowd_has_room(&server->crowd)) {
        poll(NULL, 0, WAKE_EVERY_MS / 5);
    }
    return true;
}

/* Wakes threads again and again, since one about to wait misses the call; until all are gone, the
 * time is over, or it is told to cut. */
static void drain(struct server *server, enum order_kind order)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t until_ns = clock_add(now_ns, server->site->timeouts.drain_ns);
    uint64_t last_call_ns = clock_add(now_ns, LAST_CALL_MS * NS_PER_MS);
    atomic_store(&server->site->draining, true);
    atomic_store(&server->site->handed_over, order == ORDER_HAND_OVER);
    atomic_store(&server->crowd.drain_until_ns, until_ns);
    atomic_store(&server->crowd.draining, true);
    if (order == ORDER_HAND_OVER) {
        close_doors(server);
    } else {
        begin_last_call(server);
    }
    do {
        crowd_wake(&server->crowd);
        if (!is_busy(server, last_call_ns)) {
            break;
        }
    } while (clock_monotonic_ns() < until_ns && order != ORDER_CUT && !is_told_to_cut(server));
    close_doors(server);
}

/* A deadline is noticed late by a sixteenth of the shortest, and by a quarter of a second at most.
 */
static uint64_t watch_round_ns(const struct timeouts *timeouts)
{
    uint64_t round_ns = NS_PER_S / 4;
    const uint64_t all[] = {timeouts->head_ns, timeouts->idle_ns, timeouts->send_ns};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        round_ns = all[i] / 16 < round_ns ? all[i] / 16 : round_ns;
    }
    return round_ns > 5 * NS_PER_MS ? round_ns : 5 * NS_PER_MS;
}

static bool server_init(struct server *server, struct site *site,
                        const struct server_options *options, const struct listener *listeners,
                        unsigned count)
{
    server->site = site;
    server->caches = cache_set_create(&options->cache, site->cores);
    if (server->caches != NULL && open_doors(server, listeners, count) &&
        crowd_init(&server->crowd, site->cores, options->stack, site->limits.connections,
                   exchange_capacity(site), watch_round_ns(&site->timeouts))) {
        return true;
    }
    log_error("out of memory");
    cache_set_destroy(server->caches);
    free(server->door);
    free(server->ready);
    return false;
}

/* Waits end now, and what their replies say may still leave for a moment; then the others are cut.
 */
static size_t cut(struct server *server)
{
    atomic_store(&server->crowd.drain_until_ns, 0);
    size_t left = SIZE_MAX;
    for (unsigned i = 0; left > 0 && i < LAST_WORD_MS / WAKE_EVERY_MS; i++) {
        crowd_wake(&server->crowd);
        left = crowd_wait(&server->crowd, clock_monotonic_ns() + WAKE_EVERY_MS * NS_PER_MS);
    }
    crowd_cut(&server->crowd);
    return crowd_wait(&server->crowd, clock_monotonic_ns() + NS_PER_S);
}

static void server_finish(struct server *server)
{
    size_t left = crowd_wait(&server->crowd, 0);
    if (left > 0) {
        log_warn("%zu connections were cut at the end of the drain timeout", left);
        ledger_add(ledger_here(server), COUNT_LIMITS + LIMIT_DRAIN_TIMEOUT, left);
        left = cut(server);
    }
    if (left == 0) { /* else some thread is still in a system call, and uses all this */
        crowd_finish(&server->crowd);
        cache_set_destroy(server->caches);
        free(server->door);
        free(server->ready);
        free(server);
    }
}

int serve(struct site *site, const struct server_options *options, const struct listener *listeners,
          unsigned count, struct control *control)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        log_error("out of memory");
        return 1;
    }
    if (!server_init(server, site, options, listeners, count)) {
        free(server);
        return 1;
    }
    server->control = control;
    control_ready(control);
    drain(server, accept_until_told(server));
    server_finish(server);
    return 0;
}

static void describe(char *to, size_t room, const struct server_options *options)
{
    (void)options;
    snprintf(to, room, "sync, a thread for each connection");
}

const struct serve_model serve_model = {
    .program = "cristo-sync-server",
    .sister = "cristo-async-server",
    .owner = OPTION_SYNC,
    .address = "127.0.0.1:8080",
    .describe = describe,
};
