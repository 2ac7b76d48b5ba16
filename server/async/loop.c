#include "server/async/loop.h"

#include "lib/base/log.h"
#include "server/serve.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- what connections share ------------------------------------------------------------------- */

enum {
    SPARES_MOST = 64
};

struct exchange *loop_lend(struct loop *loop)
{
    struct exchange *exchange = loop->spare;
    size_t capacity = exchange_capacity(loop->server->site);
    if (exchange != NULL) {
        loop->spare = exchange->next;
        loop->spares--;
    } else {
        exchange = malloc(exchange_size(capacity));
    }
    if (exchange != NULL) {
        exchange_init(exchange, capacity);
    }
    return exchange;
}

void loop_take_back(struct loop *loop, struct exchange *exchange)
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

void loop_carry(struct loop *loop, struct job *job)
{
    if (tray_take(&loop->tray, job)) {
        helpers_do(loop->server->files, job);
    }
}

static void carry_next(struct loop *loop, struct job *next)
{
    if (next != NULL) {
        helpers_do(loop->server->files, next);
    }
}

void loop_carried(struct loop *loop, const struct job *job)
{
    carry_next(loop, tray_return(&loop->tray, job));
}

void loop_clear(struct loop *loop, char *memory)
{
    free(memory);
    carry_next(loop, tray_leave(&loop->tray));
}

void loop_enter(struct loop *loop, struct wait *wait)
{
    patience_join(&loop->waits, wait);
    loop->connections++;
}

static bool has_room(const void *owner)
{
    const struct loop *loop = owner;
    return loop->connections < loop->most;
}

/* A loop that drains has come to its end when nobody is left and nobody can come. */
static void end_if_done(void *owner)
{
    struct loop *loop = owner;
    if (loop->draining && loop->connections == 0 && doors_are_closed(&loop->doors)) {
        event_base_loopbreak(loop->base);
    }
}

void loop_leave(struct loop *loop, struct wait *wait)
{
    patience_leave(wait);
    loop->connections--;
    doors_open(&loop->doors);
    end_if_done(loop);
}

void loop_each(struct loop *loop, void (*each)(struct wait *wait))
{
    for (unsigned i = 0; i < PATIENCE_LISTS; i++) {
        struct wait *head = &loop->waits.list[i];
        for (struct wait *wait = head->next, *next; wait != head; wait = next) {
            next = wait->next;
            each(wait);
        }
    }
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void set_overdue(struct loop *loop, uint64_t at_ns, uint64_t now_ns)
{
    uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    struct timeval wait = clock_timeval(wait_ns + NS_PER_MS);
    loop->overdue_ns = event_add(&loop->overdue, &wait) == 0 ? at_ns : CLOCK_NEVER;
}

/* Without memory for the timer the next wait of all tries again: there is one, for it was other
 * connections' timers that took the room. */
void loop_wait(struct loop *loop, struct wait *wait, unsigned list, uint64_t until_ns)
{
    bool may_be_next = patience_wait(&loop->waits, wait, list, until_ns);
    if ((may_be_next || loop->overdue_ns == CLOCK_NEVER) && until_ns < loop->overdue_ns) {
        set_overdue(loop, until_ns, clock_monotonic_ns());
    }
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
        loop->server->calls->overdue(wait);
    }
    loop->overdue_ns = CLOCK_NEVER;
    if (next_ns != CLOCK_NEVER) {
        set_overdue(loop, next_ns, now_ns);
    }
}

/* --- the end ---------------------------------------------------------------------------------- */

enum {
    LEAVE_MS = 1000, /* beyond all that, for whatever a loop has at hand to end */
    COARSE_MS = 10   /* so much too early a timer may come, by the loop's clock */
};

static void on_stop(struct job *job)
{
    struct loop *loop = (struct loop *)((char *)job - offsetof(struct loop, stop));
    struct timeval timeout =
        clock_timeval(clock_add(loop->server->site->timeouts.drain_ns, COARSE_MS * NS_PER_MS));
    loop->draining = true;
    if (loop->server->handed_over) {
        doors_close(&loop->doors);
    } else {
        doors_last_call(&loop->doors, end_if_done);
    }
    event_add(&loop->drained, &timeout);
    loop->server->calls->stop(loop);
    end_if_done(loop);
}

/* The time is over, for the first time or, after the last words, for good. */
static void cut(struct loop *loop)
{
    static const struct timeval moment = {0, LAST_WORD_MS * 1000};
    if (loop->cutting) {
        event_base_loopbreak(loop->base);
        return;
    }
    loop->cutting = true;
    doors_close(&loop->doors);
    ledger_add(loop->ledger, COUNT_LIMITS + LIMIT_DRAIN_TIMEOUT, loop->connections);
    loop->server->calls->cut(loop);
    if (event_add(&loop->drained, &moment) < 0) {
        event_base_loopbreak(loop->base);
    }
}

static void on_cut(struct job *job)
{
    cut((struct loop *)((char *)job - offsetof(struct loop, cut)));
}

static void on_drained(evutil_socket_t fd, short what, void *argument)
{
    struct loop *loop = argument;
    (void)fd;
    (void)what;
    if (loop->draining) {
        cut(loop);
    }
}

/* --- one loop --------------------------------------------------------------------------------- */

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

/* Each loop is used by its own thread alone, so libevent needs no locks. Changes are told to the
 * kernel at once: libevent's list of changes would carry edge-triggering over from reading to
 * writing. */
static struct event_base *base_create(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0) {
        base = event_base_new_with_config(config);
    }
    if (config != NULL) {
        event_config_free(config);
    }
    return base;
}

static bool loop_init(struct loop *loop, struct server *server,
                      const struct server_options *options)
{
    struct cache_limits limits = {options->cache.files / options->loops + 1,
                                  options->cache.descriptors / options->loops + 1,
                                  options->cache.bytes / options->loops + 1};
    static const struct timeval long_time = {365 * 86400, 0};
    loop->server = server;
    loop->most = (server->site->limits.connections + options->loops - 1) / options->loops;
    loop->ledger = ledgers_at(server->site->ledgers, (unsigned)(loop - server->loop));
    loop->overdue_ns = CLOCK_NEVER;
    loop->stop.done = on_stop;
    loop->cut.done = on_cut;
    patience_init(&loop->waits);
    tray_init(&loop->tray, TRAY_SLICES / options->loops);
    loop->base = base_create();
    loop->cache = cache_create(&limits);
    loop->mailbox = mailbox_create();
    if (loop->base == NULL || loop->cache == NULL || loop->mailbox == NULL) {
        return false;
    }
    evtimer_assign(&loop->overdue, loop->base, on_overdue, loop);
    evtimer_assign(&loop->drained, loop->base, on_drained, loop);
    event_assign(&loop->mail, loop->base, mailbox_fd(loop->mailbox), EV_READ | EV_PERSIST, on_mail,
                 loop);
    /* libevent keeps the room that timers once had: with one of its own waiting from the start, the
     * loop's are not refused for want of memory when they are needed */
    return event_add(&loop->mail, NULL) == 0 && event_add(&loop->drained, &long_time) == 0;
}

static void loop_finish(struct loop *loop)
{
    for (struct exchange *x; (x = loop->spare) != NULL;) {
        loop->spare = x->next;
        free(x);
    }
    cache_destroy(loop->cache);
    doors_finish(&loop->doors);
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    mailbox_destroy(loop->mailbox);
}

/* --- the server ------------------------------------------------------------------------------- */

enum {
    RESERVED_HELPERS = 1
};

static bool server_init(struct server *server, const struct server_options *options)
{
    server->ended = eventfd(0, EFD_CLOEXEC);
    server->files = helpers_create(options->file_threads, RESERVED_HELPERS);
    server->offload = options->offload > 0 ? helpers_create(options->offload, 0) : NULL;
    server->loop = calloc(options->loops, sizeof(server->loop[0]));
    closing_init(&server->closing, server->files);
    store_close_by(server->site->store, &server->closing.closer);
    if (server->ended < 0 || server->files == NULL || server->loop == NULL ||
        (options->offload > 0 && server->offload == NULL)) {
        return false;
    }
    while (server->loops < options->loops) {
        if (!loop_init(&server->loop[server->loops++], server, options)) {
            return false;
        }
    }
    return true;
}

/* What libevent has to complain about is said as all else is. */
static void on_complaint(int severity, const char *text)
{
    if (severity >= EVENT_LOG_WARN) {
        log_warn("%s", text);
    }
}

struct server *server_create(struct site *site, const struct server_options *options,
                             const struct loop_calls *calls)
{
    struct server *server = calloc(1, sizeof(*server));
    event_set_log_callback(on_complaint);
    if (server != NULL) {
        server->site = site;
        server->calls = calls;
        if (server_init(server, options)) {
            return server;
        }
    }
    log_error("the loops cannot be set up: %s", strerror(errno));
    server_destroy(server);
    return NULL;
}

void server_destroy(struct server *server)
{
    if (server == NULL) {
        return;
    }
    closing_end(&server->closing);
    helpers_destroy(server->files);
    helpers_destroy(server->offload);
    for (unsigned i = 0; i < server->loops; i++) {
        loop_finish(&server->loop[i]);
    }
    closing_finish(&server->closing);
    if (server->ended >= 0) {
        close(server->ended);
    }
    free(server->loop);
    free(server);
}

static void on_ended(struct job *job)
{
    event_base_loopbreak(((struct loop *)((char *)job - offsetof(struct loop, cut)))->base);
}

/* The first `count` loops end, whatever they are at. */
static void end_threads(struct server *server, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct loop *loop = &server->loop[i];
        loop->cut.done = on_ended;
        mailbox_post(loop->mailbox, &loop->cut);
        pthread_join(loop->thread, NULL);
    }
}

static bool start_threads(struct server *server)
{
    for (unsigned i = 0; i < server->loops; i++) {
        int error = pthread_create(&server->loop[i].thread, NULL, turn, &server->loop[i]);
        if (error != 0) {
            log_error("the thread of loop %u cannot be created: %s", i + 1, strerror(error));
            end_threads(server, i);
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

static int ms_until(uint64_t until_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0;
    return ms > INT_MAX ? -1 : (int)ms;
}

/* Posts what an order asks for, once; when it is time for all loops to have ended. */
static uint64_t obey(struct server *server, enum order_kind order, uint64_t until_ns)
{
    uint64_t last_ns = clock_monotonic_ns() + (LAST_WORD_MS + LEAVE_MS) * NS_PER_MS;
    if (order != ORDER_NONE && !server->draining) {
        server->draining = true;
        atomic_store(&server->site->draining, true);
        server->handed_over = order == ORDER_HAND_OVER;
        atomic_store(&server->site->handed_over, server->handed_over);
        until_ns = clock_add(last_ns, server->site->timeouts.drain_ns);
        post_all(server, offsetof(struct loop, stop));
    }
    if (order == ORDER_CUT && !server->cutting) {
        server->cutting = true;
        until_ns = last_ns;
        post_all(server, offsetof(struct loop, cut));
    }
    return until_ns;
}

/* False: some loop has not ended although it is time, for it computes. */
static bool wait_for_ends(struct server *server, struct control *control)
{
    uint64_t until_ns = CLOCK_NEVER;
    eventfd_t ended = 0;
    while (ended < server->loops) {
        struct pollfd ready[] = {{.fd = control->fd, .events = POLLIN},
                                 {.fd = server->ended, .events = POLLIN}};
        eventfd_t more;
        int count = poll(ready, 2, ms_until(until_ns));
        if (count <= 0 && clock_monotonic_ns() >= until_ns) {
            return false;
        }
        if (count > 0 && ready[0].revents != 0) {
            until_ns = obey(server, control_take(control), until_ns);
        }
        if (count > 0 && ready[1].revents != 0 && eventfd_read(server->ended, &more) == 0) {
            ended += more;
        }
    }
    return true;
}

enum server_end server_run(struct server *server, const struct listener *listeners, unsigned count,
                           struct control *control)
{
    for (unsigned i = 0; i < server->loops; i++) {
        struct loop *loop = &server->loop[i];
        if (!doors_init(&loop->doors, loop->base, listeners, count, i, server->loops,
                        server->calls->accepted, has_room, loop, loop->ledger,
                        &server->site->shortage)) {
            log_error("out of memory");
            return SERVER_FAILED;
        }
    }
    if (!start_threads(server)) {
        return SERVER_FAILED;
    }
    control_ready(control);
    if (!wait_for_ends(server, control)) {
        return SERVER_LEFT;
    }
    for (unsigned i = 0; i < server->loops; i++) {
        pthread_join(server->loop[i].thread, NULL);
    }
    return SERVER_ENDED;
}
