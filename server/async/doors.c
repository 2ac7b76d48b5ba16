#include "server/async/doors.h"

#include "lib/net/listen.h"
#include "server/serve.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_AT_ONCE = 64,
    PAUSE_MS = 50
};

/* For handshakes under way when the last call begins. */
static const struct timeval last_call = {0, LAST_CALL_MS * 1000};

static void shut(struct doors *doors)
{
    for (unsigned i = 0; i < doors->count; i++) {
        event_del(&doors->door[i].event);
    }
    doors->open = false;
}

/* Out of descriptors or memory: to accept again at once would only spin. Should there be no room
 * for the timer, it is because connections have theirs, and the doors are tried when one leaves. */
static void pause_awhile(struct doors *doors, int error)
{
    static const struct timeval pause = {0, PAUSE_MS * 1000};
    shortage_of_descriptors(doors->shortage, error);
    ledger_mishap(doors->ledger, MISHAP_ACCEPT);
    shut(doors);
    event_add(&doors->reopen, &pause);
}

/* Accepts some of those who wait. True: nobody waits any more. */
static bool accept_some(struct door *door)
{
    struct doors *doors = door->doors;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        if (!doors->has_room(doors->owner)) {
            ledger_limit(doors->ledger, LIMIT_CONNECTIONS);
            shortage_of_connections(doors->shortage);
            shut(doors);
            return false;
        }
        struct address peer = {.size = sizeof(peer.at)};
        int fd = accept4(door->fd, &peer.at.any, &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            struct client client = client_of(&peer);
            doors->accepted(doors->owner, fd, &client, door->tls);
        } else if (errno == EAGAIN) {
            return true;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_awhile(doors, errno);
            return false;
        }
    }
    return false;
}

static void on_acceptable(evutil_socket_t listener, short what, void *door)
{
    (void)listener;
    (void)what;
    accept_some(door);
}

void doors_open(struct doors *doors)
{
    if (doors->open || event_pending(&doors->reopen, EV_TIMEOUT, NULL) ||
        !doors->has_room(doors->owner)) {
        return;
    }
    doors->open = true;
    for (unsigned i = 0; i < doors->count && doors->open; i++) {
        if (event_add(&doors->door[i].event, NULL) < 0) {
            pause_awhile(doors, ENOMEM);
        }
    }
}

static void on_reopen(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    doors_open(argument);
}

static void on_last(evutil_socket_t fd, short what, void *argument)
{
    static const struct timeval again = {0, PAUSE_MS * 1000};
    struct doors *doors = argument;
    bool all = true;
    (void)fd;
    (void)what;
    for (unsigned i = 0; i < doors->count; i++) {
        struct door *door = &doors->door[i];
        all = (door->lent || accept_some(door)) && all;
    }
    if (all) {
        doors_close(doors);
        doors->closed(doors->owner);
    } else {
        event_add(&doors->last, &again);
    }
}

static unsigned count_doors(const struct listener *listeners, unsigned count, unsigned index,
                            unsigned loops)
{
    unsigned doors = 0;
    for (unsigned i = 0; i < count; i++) {
        doors += (listeners[i].sockets - index + loops - 1) / loops;
    }
    return doors;
}

static void door_init(struct doors *doors, struct event_base *base, const struct listener *listener,
                      int fd)
{
    struct door *door = &doors->door[doors->count++];
    door->doors = doors;
    door->fd = fd;
    door->tls = listener->tls;
    door->lent = listener->lent;
    event_assign(&door->event, base, fd, EV_READ | EV_PERSIST, on_acceptable, door);
}

bool doors_init(struct doors *doors, struct event_base *base, const struct listener *listeners,
                unsigned count, unsigned index, unsigned loops, doors_accepted *accepted,
                doors_has_room *has_room, void *owner, struct ledger *ledger,
                struct shortage *shortage)
{
    doors->accepted = accepted;
    doors->has_room = has_room;
    doors->owner = owner;
    doors->ledger = ledger;
    doors->shortage = shortage;
    doors->door = calloc(count_doors(listeners, count, index, loops), sizeof(doors->door[0]));
    if (doors->door == NULL) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = index; j < listeners[i].sockets; j += loops) {
            door_init(doors, base, &listeners[i], listeners[i].fds[j]);
        }
    }
    evtimer_assign(&doors->reopen, base, on_reopen, doors);
    evtimer_assign(&doors->last, base, on_last, doors);
    doors_open(doors);
    return true;
}

void doors_last_call(struct doors *doors, doors_closed *closed)
{
    doors->closed = closed;
    for (unsigned i = 0; i < doors->count; i++) {
        if (!doors->door[i].lent) {
            listen_refuse(doors->door[i].fd);
        }
    }
    event_add(&doors->last, &last_call);
}

void doors_close(struct doors *doors)
{
    if (doors_are_closed(doors)) {
        return;
    }
    shut(doors);
    event_del(&doors->reopen);
    event_del(&doors->last);
    for (unsigned i = 0; i < doors->count; i++) {
        close(doors->door[i].fd);
    }
    doors->count = 0;
}

bool doors_are_closed(const struct doors *doors)
{
    return doors->count == 0;
}

void doors_finish(struct doors *doors)
{
    free(doors->door);
}
