#include "server/async/doors.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_AT_ONCE = 64,
    PAUSE_MS = 50
};

static void shut(struct doors *doors)
{
    for (unsigned i = 0; doors->open && i < doors->count; i++) {
        event_del(&doors->door[i].event);
    }
    doors->open = false;
}

/* Out of descriptors or memory: to accept again at once would only spin. */
static void pause_awhile(struct doors *doors)
{
    static const struct timeval pause = {0, PAUSE_MS * 1000};
    ledger_mishap(doors->ledger, MISHAP_ACCEPT);
    shut(doors);
    event_add(&doors->reopen, &pause);
}

/* Accepts some of those who wait. True: there may be more of them, and room. */
static bool accept_some(struct door *door)
{
    struct doors *doors = door->doors;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        if (!doors->has_room(doors->owner)) {
            ledger_limit(doors->ledger, LIMIT_CONNECTIONS);
            shut(doors);
            return false;
        }
        struct address peer = {.size = sizeof(peer.at)};
        int fd = accept4(door->fd, &peer.at.any, &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            struct client client = client_of(&peer);
            doors->accepted(doors->owner, fd, &client);
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_awhile(doors);
            return false;
        }
    }
    return true;
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
    for (unsigned i = 0; i < doors->count; i++) {
        event_add(&doors->door[i].event, NULL);
    }
    doors->open = true;
}

static void on_reopen(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    doors_open(argument);
}

void doors_init(struct doors *doors, struct event_base *base, const struct listener *listeners,
                unsigned count, unsigned index, doors_accepted *accepted, doors_has_room *has_room,
                void *owner, struct ledger *ledger)
{
    doors->accepted = accepted;
    doors->has_room = has_room;
    doors->owner = owner;
    doors->ledger = ledger;
    doors->count = count;
    for (unsigned i = 0; i < count; i++) {
        struct door *door = &doors->door[i];
        door->doors = doors;
        door->fd = listeners[i].fds[index];
        event_assign(&door->event, base, door->fd, EV_READ | EV_PERSIST, on_acceptable, door);
    }
    evtimer_assign(&doors->reopen, base, on_reopen, doors);
    doors_open(doors);
}

void doors_close(struct doors *doors)
{
    for (unsigned i = 0; i < doors->count && doors->open; i++) {
        while (accept_some(&doors->door[i])) {
        }
    }
    shut(doors);
    event_del(&doors->reopen);
    for (unsigned i = 0; i < doors->count; i++) {
        close(doors->door[i].fd);
    }
}
