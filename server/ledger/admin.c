#include "server/ledger/admin.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/http/date.h"
#include "lib/http/request.h"
#include "lib/http/response.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENTS = 32,
    PATIENCE_MS = 5000, /* for a request, its reply, and the end of the connection, together */
    HEAD = 8192,
    PAUSE_MS = 50
};

/* What a client is in the middle of. */
enum stage {
    STAGE_ABSENT, /* there is none */
    STAGE_ASKING,
    STAGE_TAKING, /* its reply */
    STAGE_LEAVING,
};

struct guest {
    enum stage stage;
    int fd;
    uint64_t until_ns;
    size_t asked;
    char *reply; /* malloc'd */
    size_t reply_len, taken;
    char head[HEAD];
};

struct admin {
    struct admin_spec spec;
    int end; /* an eventfd */
    pthread_t thread;
    bool paused; /* out of descriptors: to accept again at once would only spin */
    struct guest guests[CLIENTS];
};

/* --- what is answered ------------------------------------------------------------------------- */

struct said {
    unsigned status;
    const char *type;
    char *body; /* malloc'd; NULL: out of memory */
    size_t len;
    bool head_only;
};

static struct said say(unsigned status, const char *text)
{
    return (struct said){status, "text/plain; charset=utf-8", strdup(text), strlen(text), false};
}

static struct said say_metrics(const struct admin *admin)
{
    struct metrics metrics = admin->spec.metrics;
    struct said said = {.status = 200, .type = "text/plain; version=0.0.4; charset=utf-8"};
    metrics.draining = atomic_load(admin->spec.draining);
    said.body = metrics_write(&metrics, &said.len);
    return said;
}

static struct said say_health(const struct admin *admin)
{
    return atomic_load(admin->spec.draining) ? say(503, "draining\n") : say(200, "ok\n");
}

static struct bytes path_of(struct bytes target)
{
    const char *query = memchr(target.at, '?', target.len);
    return (struct bytes){target.at, query != NULL ? (size_t)(query - target.at) : target.len};
}

static struct said answer(const struct admin *admin, const struct request *request)
{
    struct said said;
    struct bytes path = path_of(request->target);
    if (request->method == METHOD_OTHER) {
        said = say(501, "This method is not known here.\n");
    } else if (request->method != METHOD_GET && request->method != METHOD_HEAD) {
        said = say(405, "Only GET and HEAD are of use here.\n");
    } else if (bytes_equal(path, BYTES("/metrics"))) {
        said = say_metrics(admin);
    } else if (bytes_equal(path, BYTES("/healthz"))) {
        said = say_health(admin);
    } else {
        said = say(404, "There are /metrics and /healthz.\n");
    }
    said.head_only = request->method == METHOD_HEAD;
    return said;
}

static struct said refuse(enum request_outcome outcome)
{
    switch (outcome) {
    case REQUEST_TARGET_TOO_LONG:
        return say(414, "The target is too long.\n");
    case REQUEST_FIELDS_TOO_LARGE:
    case REQUEST_TOO_MANY_FIELDS:
        return say(431, "The head is too large.\n");
    case REQUEST_VERSION:
        return say(505, "HTTP/1 is spoken here.\n");
    default:
        return say(400, "The request is malformed.\n");
    }
}

/* The connection ends after every reply: nothing has to be known of a body that may follow. */
static void write_head(const struct said *said, struct head *head)
{
    char date[DATE_SIZE];
    date_write(date, clock_wall_s());
    head_status(head, said->status);
    head_field(head, BYTES("Date"), (struct bytes){date, sizeof(date)});
    head_field(head, BYTES("Content-Type"), bytes_of(said->type));
    head_field_number(head, BYTES("Content-Length"), said->len);
    head_field(head, BYTES("Cache-Control"), BYTES("no-store"));
    head_field(head, BYTES("X-Content-Type-Options"), BYTES("nosniff"));
    if (said->status == 405) {
        head_field(head, BYTES("Allow"), BYTES("GET, HEAD"));
    }
    head_field(head, BYTES("Connection"), BYTES("close"));
    head_end(head);
}

/* --- guests ----------------------------------------------------------------------------------- */

/* The one way to go. */
static void leave(struct guest *guest)
{
    close(guest->fd);
    free(guest->reply);
    guest->reply = NULL;
    guest->stage = STAGE_ABSENT;
}

/* Our side is ended first: to close over unread bytes would reset the reply away. */
static void see_off(struct guest *guest)
{
    if (shutdown(guest->fd, SHUT_WR) < 0) {
        leave(guest);
    } else {
        guest->stage = STAGE_LEAVING;
    }
}

static void give(struct guest *guest)
{
    ssize_t sent = send(guest->fd, guest->reply + guest->taken, guest->reply_len - guest->taken,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        leave(guest);
        return;
    }
    guest->taken += sent > 0 ? (size_t)sent : 0;
    if (guest->taken == guest->reply_len) {
        see_off(guest);
    }
}

static void begin_reply(struct guest *guest, struct said said)
{
    char text[1024];
    struct head head = {text, sizeof(text), 0};
    write_head(&said, &head);
    guest->reply = said.body != NULL ? malloc(head.len + said.len) : NULL;
    if (guest->reply == NULL) {
        free(said.body);
        leave(guest);
        return;
    }
    memcpy(guest->reply, text, head.len);
    memcpy(guest->reply + head.len, said.body, said.len);
    guest->reply_len = head.len + (said.head_only ? 0 : said.len);
    guest->taken = 0;
    guest->stage = STAGE_TAKING;
    free(said.body);
    give(guest);
}

static void listen_to(const struct admin *admin, struct guest *guest)
{
    static const struct request_limits limits = {.head = HEAD, .target = 1024, .fields = 100};
    struct request request;
    const char *why;
    ssize_t got = recv(guest->fd, guest->head + guest->asked, HEAD - guest->asked, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            leave(guest);
        }
        return;
    }
    guest->asked += (size_t)got;
    enum request_outcome outcome =
        request_read((struct bytes){guest->head, guest->asked}, &limits, &request, &why);
    if (outcome == REQUEST_COMPLETE) {
        begin_reply(guest, answer(admin, &request));
    } else if (outcome != REQUEST_MORE) {
        begin_reply(guest, refuse(outcome));
    }
}

static void drop_leftover(struct guest *guest)
{
    char dropped[4096];
    ssize_t got = recv(guest->fd, dropped, sizeof(dropped), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        leave(guest);
    }
}

static void serve_guest(const struct admin *admin, struct guest *guest)
{
    switch (guest->stage) {
    case STAGE_ASKING:
        listen_to(admin, guest);
        break;
    case STAGE_TAKING:
        give(guest);
        break;
    case STAGE_LEAVING:
        drop_leftover(guest);
        break;
    case STAGE_ABSENT:
        break;
    }
}

/* --- the thread ------------------------------------------------------------------------------- */

static struct guest *find(struct admin *admin, enum stage stage)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (admin->guests[i].stage == stage) {
            return &admin->guests[i];
        }
    }
    return NULL;
}

/* Whoever has been given all may have to make room. */
static struct guest *free_seat(struct admin *admin)
{
    struct guest *guest = find(admin, STAGE_ABSENT);
    return guest != NULL ? guest : find(admin, STAGE_LEAVING);
}

/* Once a successor accepts, this server has nothing to say any more. */
static bool may_accept(const struct admin *admin)
{
    return !admin->paused && !atomic_load(admin->spec.handed_over);
}

/* While every seat is taken others wait to be accepted, for a few seconds at the most. */
static void accept_some(struct admin *admin)
{
    struct guest *guest;
    while (may_accept(admin) && (guest = free_seat(admin)) != NULL) {
        int fd = accept4(admin->spec.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            admin->paused = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
            return;
        }
        if (guest->stage == STAGE_LEAVING) {
            leave(guest);
        }
        guest->stage = STAGE_ASKING;
        guest->fd = fd;
        guest->asked = 0;
        guest->until_ns = clock_monotonic_ns() + PATIENCE_MS * NS_PER_MS;
    }
}

enum {
    AT_END,
    AT_LISTENER,
    AT_GUESTS,
    PLACES = AT_GUESTS + CLIENTS
};

/* What is waited for, and until when. */
static int prepare(struct admin *admin, struct pollfd ready[PLACES])
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t until_ns = CLOCK_NEVER;
    ready[AT_END] = (struct pollfd){.fd = admin->end, .events = POLLIN};
    for (int i = 0; i < CLIENTS; i++) {
        struct guest *guest = &admin->guests[i];
        if (guest->stage != STAGE_ABSENT && guest->until_ns <= now_ns) {
            leave(guest);
        }
        bool here = guest->stage != STAGE_ABSENT;
        ready[AT_GUESTS + i] = (struct pollfd){
            .fd = here ? guest->fd : -1, .events = guest->stage == STAGE_TAKING ? POLLOUT : POLLIN};
        until_ns = here && guest->until_ns < until_ns ? guest->until_ns : until_ns;
    }
    bool accepts = may_accept(admin) && free_seat(admin) != NULL;
    ready[AT_LISTENER] =
        (struct pollfd){.fd = accepts ? admin->spec.listener : -1, .events = POLLIN};
    uint64_t pause_ns = admin->paused ? now_ns + PAUSE_MS * NS_PER_MS : CLOCK_NEVER;
    admin->paused = false;
    until_ns = pause_ns < until_ns ? pause_ns : until_ns;
    return until_ns == CLOCK_NEVER ? -1 : (int)((until_ns - now_ns) / NS_PER_MS) + 1;
}

static void *attend(void *argument)
{
    struct admin *admin = argument;
    struct pollfd ready[PLACES];
    for (;;) {
        int timeout_ms = prepare(admin, ready);
        if (poll(ready, PLACES, timeout_ms) <= 0) {
            continue;
        }
        if (ready[AT_END].revents != 0) {
            return NULL;
        }
        for (int i = 0; i < CLIENTS; i++) {
            if (ready[AT_GUESTS + i].revents != 0) {
                serve_guest(admin, &admin->guests[i]);
            }
        }
        if (ready[AT_LISTENER].revents != 0) {
            accept_some(admin);
        }
    }
}

struct admin *admin_start(const struct admin_spec *spec)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (admin == NULL) {
        log_error("admin: out of memory");
        return NULL;
    }
    admin->spec = *spec;
    admin->end = eventfd(0, EFD_CLOEXEC);
    int error = admin->end < 0 ? errno : pthread_create(&admin->thread, NULL, attend, admin);
    if (error != 0) {
        log_error("admin: %s", strerror(error));
        if (admin->end >= 0) {
            close(admin->end);
        }
        free(admin);
        return NULL;
    }
    return admin;
}

void admin_finish(struct admin *admin)
{
    if (admin == NULL) {
        return;
    }
    eventfd_write(admin->end, 1);
    pthread_join(admin->thread, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        if (admin->guests[i].stage != STAGE_ABSENT) {
            leave(&admin->guests[i]);
        }
    }
    close(admin->end);
    free(admin);
}
