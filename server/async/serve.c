/* The non-blocking model: one thread turns a loop over many connections and waits for all of them
 * at once.
 *
 * Read this beside sync/serve.c: the same steps in the same order, waited for in the other way.
 * Here a conversation is cut into callbacks, in the order in which a connection lives through them,
 * and its struct remembers where it was. Nothing on a loop blocks: what might is done by helpers.
 */
#include "server/serve.h"

#include "lib/base/log.h"
#include "lib/net/stream.h"
#include "server/async/helpers.h"
#include "server/async/patience.h"
#include "server/calendar.h"
#include "server/transmit.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
    struct site *site;
    struct helpers *files;   /* open and read */
    struct helpers *offload; /* compute; NULL: the loops do it themselves */
    int ended;               /* an eventfd that counts the loops that have ended */
    unsigned loops;
    struct loop *loop;
};

/* A listening socket of one loop. */
struct door {
    struct event event;
    struct loop *loop;
    int fd;
    bool tcp;
};

/* One thread's. Nobody else touches it but through its mailbox. */
struct loop {
    struct server *server;
    pthread_t thread;
    struct event_base *base;
    struct calendar calendar;
    struct cache *cache;

    struct door door[LISTENERS_MAX];
    unsigned doors;
    bool open; /* the doors are */
    struct event reopen;

    struct waits waits;   /* every connection is in one of its lists */
    struct event overdue; /* the timer for all of them */
    uint64_t overdue_ns;  /* what it is set to */
    size_t connections, most;
    struct exchange *spare;
    unsigned spares;

    struct mailbox *mailbox;
    struct event mail;
    struct job stop, cut; /* posted by the main thread */
    bool draining;
    struct event drained; /* the end of the drain timeout */
};

/* What the one event of a connection is assigned to. */
enum armed {
    ARMED_NOT,
    ARMED_READ,
    ARMED_SEND,
    ARMED_WAIT,
    ARMED_LINGER,
};

struct connection {
    struct event event;
    struct wait wait;
    struct loop *loop;
    struct stream stream;
    struct session session;
    uint8_t armed;
    bool errand; /* a helper is out for it */
};

/* What a helper does for a connection. */
struct errand {
    struct job job;
    struct connection *connection;
    struct step step;
    const struct store *store;
};

static void on_acceptable(evutil_socket_t fd, short what, void *door);
static void converse(struct connection *c, struct outcome came);
static bool read_step(struct connection *c, const struct step *step);
static void on_readable(evutil_socket_t fd, short what, void *connection);
static bool fetch_step(struct connection *c, const struct step *step, uint64_t now_ns,
                       struct outcome *came);
static void on_fetched(struct job *job);
static bool wait_step(struct connection *c, const struct step *step);
static void on_waited(evutil_socket_t fd, short what, void *connection);
static bool work_step(struct connection *c, const struct step *step, struct outcome *came);
static void on_worked(struct job *job);
static bool await_room(struct connection *c, const struct step *step);
static bool send_step(struct connection *c, const struct step *step, struct outcome *came);
static void on_writable(evutil_socket_t fd, short what, void *connection);
static void close_step(struct connection *c, const struct step *step);
static void on_leftover(evutil_socket_t fd, short what, void *connection);
static void connection_close(struct connection *c);

/* --- accept ----------------------------------------------------------------------------------- */

enum {
    ACCEPT_AT_ONCE = 64,
    PAUSE_MS = 50
};

static void doors_open(struct loop *loop)
{
    for (unsigned i = 0; !loop->open && i < loop->doors; i++) {
        event_add(&loop->door[i].event, NULL);
    }
    loop->open = true;
}

static void doors_shut(struct loop *loop)
{
    for (unsigned i = 0; loop->open && i < loop->doors; i++) {
        event_del(&loop->door[i].event);
    }
    loop->open = false;
}

/* Out of descriptors or memory: to accept again at once would only spin. */
static void doors_pause(struct loop *loop)
{
    static const struct timeval pause = {0, PAUSE_MS * 1000};
    doors_shut(loop);
    event_add(&loop->reopen, &pause);
}

static void on_reopen(evutil_socket_t fd, short what, void *argument)
{
    struct loop *loop = argument;
    (void)fd;
    (void)what;
    if (!loop->draining && loop->connections < loop->most) {
        doors_open(loop);
    }
}

static void on_accepted(struct loop *loop, int fd, bool tcp)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        close(fd);
        return;
    }
    struct moment now = calendar_now(&loop->calendar);
    c->loop = loop;
    stream_init(&c->stream, fd, tcp);
    session_init(&c->session, loop->server->site, &now);
    patience_join(&loop->waits, &c->wait);
    loop->connections++;
    converse(c, (struct outcome){CAME_UNCHANGED, 0});
}

static void on_acceptable(evutil_socket_t listener, short what, void *argument)
{
    struct door *door = argument;
    struct loop *loop = door->loop;
    (void)what;
    for (int i = 0; i < ACCEPT_AT_ONCE && loop->connections < loop->most; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            on_accepted(loop, fd, door->tcp);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            doors_pause(loop);
            return;
        }
    }
    if (loop->connections >= loop->most) {
        doors_shut(loop); /* connection_close() opens them again */
    }
}

/* --- converse --------------------------------------------------------------------------------- */

/* Carries out steps until one has to be waited for; the callback that ends the wait calls this
 * again. After a slice of a file the others have their turn: that is fair, and keeps what is in
 * flight small enough for the core's cache. */
static void converse(struct connection *c, struct outcome came)
{
    struct moment now = calendar_now(&c->loop->calendar);
    struct step step;
    bool ready = true;
    bool had_turn = false;
    while (ready) {
        session_step(&c->session, &now, came, &step);
        switch (step.kind) {
        case STEP_READ:
            ready = read_step(c, &step);
            break;
        case STEP_FETCH:
            ready = fetch_step(c, &step, now.now_ns, &came);
            break;
        case STEP_WAIT:
            ready = wait_step(c, &step);
            break;
        case STEP_WORK:
            ready = work_step(c, &step, &came);
            now = calendar_now(&c->loop->calendar);
            break;
        case STEP_SEND:
            ready = had_turn ? await_room(c, &step) : send_step(c, &step, &came);
            had_turn = step.send.file != NULL;
            break;
        case STEP_CLOSE:
            close_step(c, &step);
            return;
        }
    }
}

/* Assigns the connection's one event to what it waits for now; mostly it is so already. */
static void arm(struct connection *c, enum armed armed, uint64_t timeout_ns)
{
    static const struct {
        short what;
        event_callback_fn callback;
    } wanted[] = {
        [ARMED_READ] = {EV_READ | EV_PERSIST, on_readable},
        [ARMED_SEND] = {EV_WRITE | EV_PERSIST, on_writable},
        [ARMED_WAIT] = {0, on_waited},
        [ARMED_LINGER] = {EV_READ | EV_PERSIST, on_leftover},
    };
    if (c->armed == armed && armed != ARMED_WAIT) {
        return;
    }
    if (c->armed != ARMED_NOT) {
        event_del(&c->event);
    }
    c->armed = (uint8_t)armed;
    if (armed != ARMED_NOT) {
        struct timeval timeout = clock_timeval(timeout_ns + NS_PER_US);
        event_assign(&c->event, c->loop->base, armed == ARMED_WAIT ? -1 : c->stream.fd,
                     wanted[armed].what, wanted[armed].callback, c);
        event_add(&c->event, armed == ARMED_WAIT ? &timeout : NULL);
    }
}

/* While a helper is out, what the event was last assigned to may still happen, and nobody has asked
 * for it: it is left alone until a step asks again. */
static bool is_away(struct connection *c)
{
    if (c->errand) {
        arm(c, ARMED_NOT, 0);
    }
    return c->errand;
}

/* --- patience --------------------------------------------------------------------------------- */

static void set_overdue(struct loop *loop, uint64_t at_ns, uint64_t now_ns)
{
    uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    struct timeval wait = clock_timeval(wait_ns + NS_PER_MS);
    loop->overdue_ns = at_ns;
    event_add(&loop->overdue, &wait);
}

static void be_patient(struct connection *c, unsigned list, uint64_t until_ns)
{
    struct loop *loop = c->loop;
    if (patience_wait(&loop->waits, &c->wait, list, until_ns) && until_ns < loop->overdue_ns) {
        set_overdue(loop, until_ns, clock_monotonic_ns());
    }
}

static struct connection *connection_of(struct wait *wait)
{
    return (struct connection *)((char *)wait - offsetof(struct connection, wait));
}

static void on_overdue(evutil_socket_t fd, short what, void *argument)
{
    struct loop *loop = argument;
    uint64_t now_ns = clock_monotonic_ns();
    struct wait *wait;
    uint64_t next_ns;
    (void)fd;
    (void)what;
    loop->overdue_ns = 0; /* set below, once all is known */
    while ((wait = patience_overdue(&loop->waits, now_ns, &next_ns)) != NULL) {
        struct connection *c = connection_of(wait);
        if (c->armed == ARMED_LINGER) {
            connection_close(c);
        } else {
            converse(c, (struct outcome){CAME_TIMED_OUT, 0});
        }
    }
    loop->overdue_ns = CLOCK_NEVER;
    if (next_ns != CLOCK_NEVER) {
        set_overdue(loop, next_ns, now_ns);
    }
}

/* --- read ------------------------------------------------------------------------------------- */

enum {
    SPARES_MOST = 64
};

/* The exchange used last is lent next: it is still in the core's cache. */
static bool lend(struct connection *c)
{
    struct loop *loop = c->loop;
    struct exchange *exchange = loop->spare;
    size_t capacity = exchange_capacity(loop->server->site);
    if (c->session.exchange != NULL) {
        return true;
    }
    if (exchange != NULL) {
        loop->spare = exchange->next;
        loop->spares--;
    } else {
        exchange = malloc(exchange_size(capacity));
        if (exchange == NULL) {
            return false;
        }
    }
    exchange_init(exchange, capacity);
    session_lend(&c->session, exchange);
    return true;
}

static void take_back(struct loop *loop, struct exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    if (loop->spares == SPARES_MOST) {
        free(exchange);
        return;
    }
    exchange->next = loop->spare;
    loop->spare = exchange;
    loop->spares++;
}

static bool read_step(struct connection *c, const struct step *step)
{
    if (session_at_rest(&c->session)) {
        take_back(c->loop, session_take_back(&c->session));
    }
    arm(c, ARMED_READ, 0);
    be_patient(c, step->patience, step->until_ns);
    return false;
}

static struct outcome outcome_of_receive(ssize_t got)
{
    if (got > 0) {
        return (struct outcome){CAME_DONE, (size_t)got};
    }
    switch (got) {
    case 0:
        return (struct outcome){CAME_ENDED, 0};
    case STREAM_AGAIN:
    case -EINTR:
        return (struct outcome){CAME_UNCHANGED, 0};
    default:
        return (struct outcome){CAME_FAILED, 0};
    }
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    (void)fd;
    (void)what;
    if (is_away(c)) {
        return;
    }
    if (!lend(c)) {
        connection_close(c);
        return;
    }
    struct space space = session_space(&c->session);
    converse(c, outcome_of_receive(stream_receive(&c->stream, space.at, space.size)));
}

/* --- fetch, wait, work ------------------------------------------------------------------------ */

static bool send_errand(struct connection *c, const struct step *step, struct helpers *helpers,
                        void (*run)(struct job *), void (*done)(struct job *))
{
    struct errand *errand = malloc(sizeof(*errand));
    if (errand == NULL) {
        return false;
    }
    *errand = (struct errand){
        .job = {.run = run, .done = done, .home = c->loop->mailbox},
        .connection = c,
        .step = *step,
        .store = c->loop->server->site->store,
    };
    c->errand = true;
    be_patient(c, PATIENCE_ENDLESS, CLOCK_NEVER);
    helpers_do(helpers, &errand->job);
    return true;
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
    fetch_open(errand->step.fetch, errand->store);
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
    if (!send_errand(c, step, server->files, run_fetch, on_fetched)) {
        fetch_forget(step->fetch, c->loop->cache);
        step->fetch->came = FETCH_BUSY;
        return true;
    }
    return false;
}

static void on_fetched(struct job *job)
{
    struct errand *errand = (struct errand *)job;
    struct fetch *fetch = errand->step.fetch;
    struct connection *c = errand_end(errand);
    fetch_keep(fetch, c->loop->cache);
    converse(c, (struct outcome){CAME_DONE, 0});
}

static bool wait_step(struct connection *c, const struct step *step)
{
    uint64_t now_ns = clock_monotonic_ns();
    be_patient(c, PATIENCE_ENDLESS, CLOCK_NEVER);
    c->wait.until_ns = step->until_ns; /* for on_waited() */
    arm(c, ARMED_WAIT, step->until_ns > now_ns ? step->until_ns - now_ns : 0);
    return false;
}

/* The loop's clock is coarse: a timer may come a few milliseconds before its time. */
static void on_waited(evutil_socket_t fd, short what, void *argument)
{
    struct connection *c = argument;
    uint64_t now_ns = clock_monotonic_ns();
    (void)fd;
    (void)what;
    if (now_ns < c->wait.until_ns) {
        arm(c, ARMED_WAIT, c->wait.until_ns - now_ns);
    } else {
        c->armed = ARMED_NOT;
        converse(c, (struct outcome){CAME_DONE, 0});
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
    *came = (struct outcome){CAME_DONE, 0};
    if (offload != NULL && send_errand(c, step, offload, run_work, on_worked)) {
        return false;
    }
    step->work.call(step->work.argument); /* and the loop stands still for as long */
    return true;
}

static void on_worked(struct job *job)
{
    converse(errand_end((struct errand *)job), (struct outcome){CAME_DONE, 0});
}

/* --- send ------------------------------------------------------------------------------------- */

static bool await_room(struct connection *c, const struct step *step)
{
    arm(c, ARMED_SEND, 0);
    be_patient(c, step->patience, step->until_ns);
    return false;
}

static bool send_step(struct connection *c, const struct step *step, struct outcome *came)
{
    *came = (struct outcome){CAME_DONE, 0};
    switch (transmit(&c->stream, step, &came->bytes)) {
    case TRANSMIT_DONE:
        return true;
    case TRANSMIT_AGAIN:
        return await_room(c, step);
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
    if (step->linger && shutdown(c->stream.fd, SHUT_WR) == 0) {
        arm(c, ARMED_LINGER, 0);
        be_patient(c, step->patience, step->until_ns);
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
    if (got <= 0 && got != STREAM_AGAIN && got != -EINTR) {
        connection_close(c);
    }
}

/* The one way to die. No errand is out, or this waits for its end. */
static void connection_close(struct connection *c)
{
    struct loop *loop = c->loop;
    arm(c, ARMED_NOT, 0);
    patience_leave(&c->wait);
    close(c->stream.fd);
    take_back(loop, session_finish(&c->session));
    free(c);
    loop->connections--;
    if (loop->draining && loop->connections == 0) {
        event_base_loopbreak(loop->base);
    } else if (!loop->draining && !loop->open && !event_pending(&loop->reopen, EV_TIMEOUT, NULL)) {
        doors_open(loop);
    }
}

/* --- drain ------------------------------------------------------------------------------------ */

static void close_doors(struct loop *loop)
{
    for (unsigned i = 0; i < loop->doors; i++) {
        on_acceptable(loop->door[i].fd, 0, &loop->door[i]); /* who has come so far is let in */
    }
    doors_shut(loop);
    event_del(&loop->reopen);
    for (unsigned i = 0; i < loop->doors; i++) {
        close(loop->door[i].fd);
    }
}

static void on_stop(struct job *job)
{
    struct loop *loop = (struct loop *)((char *)job - offsetof(struct loop, stop));
    struct timeval timeout = clock_timeval(loop->server->site->timeouts.drain_ns);
    close_doors(loop);
    loop->draining = true;
    event_add(&loop->drained, &timeout);
    for (unsigned i = 0; i < PATIENCE_LISTS; i++) {
        struct wait *head = &loop->waits.list[i];
        for (struct wait *wait = head->next, *next; wait != head; wait = next) {
            struct connection *c = connection_of(wait);
            next = wait->next;
            session_drain(&c->session);
            if (c->armed == ARMED_READ && !c->errand) {
                converse(c, (struct outcome){CAME_DRAINING, 0});
            }
        }
    }
    if (loop->connections == 0) {
        event_base_loopbreak(loop->base);
    }
}

/* The time is over: waits end now, and what their replies say may still leave; the others are cut.
 */
static void cut(struct loop *loop)
{
    for (unsigned i = 0; i < PATIENCE_LISTS; i++) {
        struct wait *head = &loop->waits.list[i];
        for (struct wait *wait = head->next, *next; wait != head; wait = next) {
            struct connection *c = connection_of(wait);
            next = wait->next;
            if (c->armed == ARMED_WAIT) {
                converse(c, (struct outcome){CAME_DONE, 0});
            }
        }
    }
    event_base_loopbreak(loop->base);
}

static void on_cut(struct job *job)
{
    cut((struct loop *)((char *)job - offsetof(struct loop, cut)));
}

static void on_drained(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    cut(argument);
}

/* What is left after the drain is closed; false when helpers are still out for somebody. */
static bool close_all(struct loop *loop)
{
    bool all = true;
    if (loop->connections > 0) {
        log_warn("%zu connections were cut at the end of the drain timeout", loop->connections);
    }
    for (unsigned i = 0; i < PATIENCE_LISTS; i++) {
        struct wait *head = &loop->waits.list[i];
        for (struct wait *wait = head->next, *next; wait != head; wait = next) {
            struct connection *c = connection_of(wait);
            next = wait->next;
            all = all && !c->errand;
            if (!c->errand) {
                connection_close(c);
            }
        }
    }
    return all;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void on_mail(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    mailbox_empty(((struct loop *)argument)->mailbox);
}

static void *turn(void *argument)
{
    struct loop *loop = argument;
    event_base_dispatch(loop->base);
    eventfd_write(loop->server->ended, 1);
    return NULL;
}

/* Each loop is used by its own thread alone, so libevent needs no locks; changes to what is waited
 * for are told to the kernel together. */
static struct event_base *base_create(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config != NULL &&
        event_config_set_flag(config,
                              EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0) {
        base = event_base_new_with_config(config);
    }
    if (config != NULL) {
        event_config_free(config);
    }
    return base;
}

static void loop_add_doors(struct loop *loop, const struct listener *listeners, unsigned count,
                           unsigned index)
{
    for (unsigned i = 0; i < count; i++) {
        struct door *door = &loop->door[i];
        door->loop = loop;
        door->fd = listeners[i].fds[index];
        door->tcp = !address_is_unix(&listeners[i].address);
        event_assign(&door->event, loop->base, door->fd, EV_READ | EV_PERSIST, on_acceptable, door);
    }
    loop->doors = count;
    doors_open(loop);
}

static bool loop_init(struct loop *loop, struct server *server,
                      const struct server_options *options)
{
    struct cache_limits limits = {options->cache.files / options->loops + 1,
                                  options->cache.descriptors / options->loops + 1,
                                  options->cache.bytes / options->loops + 1};
    loop->server = server;
    loop->most = server->site->limits.connections / options->loops + 1;
    loop->overdue_ns = CLOCK_NEVER;
    loop->stop.done = on_stop;
    loop->cut.done = on_cut;
    patience_init(&loop->waits);
    loop->base = base_create();
    loop->cache = cache_create(&limits);
    loop->mailbox = mailbox_create();
    if (loop->base == NULL || loop->cache == NULL || loop->mailbox == NULL) {
        return false;
    }
    evtimer_assign(&loop->overdue, loop->base, on_overdue, loop);
    evtimer_assign(&loop->reopen, loop->base, on_reopen, loop);
    evtimer_assign(&loop->drained, loop->base, on_drained, loop);
    event_assign(&loop->mail, loop->base, mailbox_fd(loop->mailbox), EV_READ | EV_PERSIST, on_mail,
                 loop);
    return event_add(&loop->mail, NULL) == 0;
}

static void loop_finish(struct loop *loop)
{
    for (struct exchange *x; (x = loop->spare) != NULL;) {
        loop->spare = x->next;
        free(x);
    }
    cache_destroy(loop->cache);
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    mailbox_destroy(loop->mailbox);
}

/* --- the server ------------------------------------------------------------------------------- */

static bool server_init(struct server *server, struct site *site,
                        const struct server_options *options)
{
    server->site = site;
    server->ended = eventfd(0, EFD_CLOEXEC);
    server->files = helpers_create(options->file_threads);
    server->offload = options->offload > 0 ? helpers_create(options->offload) : NULL;
    server->loop = calloc(options->loops, sizeof(server->loop[0]));
    if (server->ended < 0 || server->files == NULL || server->loop == NULL ||
        (options->offload > 0 && server->offload == NULL)) {
        return false;
    }
    for (; server->loops < options->loops; server->loops++) {
        if (!loop_init(&server->loop[server->loops], server, options)) {
            loop_finish(&server->loop[server->loops]);
            return false;
        }
    }
    return true;
}

static void server_finish(struct server *server)
{
    helpers_destroy(server->files);
    helpers_destroy(server->offload);
    for (unsigned i = 0; i < server->loops; i++) {
        loop_finish(&server->loop[i]);
    }
    if (server->ended >= 0) {
        close(server->ended);
    }
    free(server->loop);
    free(server);
}

static bool server_start(struct server *server, const struct listener *listeners, unsigned count)
{
    for (unsigned i = 0; i < server->loops; i++) {
        loop_add_doors(&server->loop[i], listeners, count, i);
    }
    for (unsigned i = 0; i < server->loops; i++) {
        if (pthread_create(&server->loop[i].thread, NULL, turn, &server->loop[i]) != 0) {
            log_error("thread of loop %u cannot be created: %s", i + 1, strerror(errno));
            return false;
        }
    }
    return true;
}

static void post_all(struct server *server, size_t job_offset)
{
    for (unsigned i = 0; i < server->loops; i++) {
        struct loop *loop = &server->loop[i];
        mailbox_post(loop->mailbox, (struct job *)((char *)loop + job_offset));
    }
}

/* The first signal has every loop drain, the second has it cut. */
static void run_until_signals(struct server *server, int signals)
{
    struct pollfd ready[] = {{.fd = signals, .events = POLLIN},
                             {.fd = server->ended, .events = POLLIN}};
    size_t job = offsetof(struct loop, stop);
    eventfd_t ended = 0;
    while (ended < server->loops) {
        if (poll(ready, 2, -1) < 0) {
            continue;
        }
        struct signalfd_siginfo signal;
        if (ready[0].revents != 0 && read(signals, &signal, sizeof(signal)) > 0) {
            post_all(server, job);
            job = offsetof(struct loop, cut);
            ready[0].fd = ended > 0 ? signals : ready[0].fd;
        }
        eventfd_t more;
        if (ready[1].revents != 0 && eventfd_read(server->ended, &more) == 0) {
            ended += more;
        }
    }
}

int serve(struct site *site, const struct server_options *options, const struct listener *listeners,
          unsigned count, int signals)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL || !server_init(server, site, options)) {
        log_error("the loops cannot be set up: %s", strerror(errno));
        if (server != NULL) {
            server_finish(server);
        }
        return 1;
    }
    if (!server_start(server, listeners, count)) {
        return 1; /* some loops may be running: the process ends under them */
    }
    run_until_signals(server, signals);
    bool all = true;
    for (unsigned i = 0; i < server->loops; i++) {
        pthread_join(server->loop[i].thread, NULL);
        all = close_all(&server->loop[i]) && all;
    }
    if (all) { /* else some helper is still in a system call, and uses all this */
        server_finish(server);
    }
    return 0;
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
