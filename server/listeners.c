#include "server/listeners.h"

#include "lib/base/log.h"
#include "lib/net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool listen_on(const struct address *address, unsigned sockets, struct listener *listener)
{
    char text[ADDRESS_TEXT];
    listener->address = *address;
    int error = listen_open(&listener->address, true, sockets, listener->fds);
    if (error != 0) {
        log_error("%s: cannot be listened on: %s%s", address_write(text, address), strerror(-error),
                  error == -EADDRINUSE ? " (another server is there)" : "");
        return false;
    }
    listener->sockets = sockets;
    if (!address_is_loopback(&listener->address)) {
        log_warn("%s: listening beyond this machine: whoever reaches that address can read what is "
                 "served",
                 address_write(text, &listener->address));
    }
    return true;
}

/* Every loop accepts from a socket of its own descriptor: one that several loops share is
 * duplicated, so that each closes its own. */
static bool share(struct listener *listener, unsigned loops)
{
    unsigned sockets = listener->sockets;
    for (; listener->sockets < loops; listener->sockets++) {
        int fd = fcntl(listener->fds[listener->sockets % sockets], F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            log_error("a listener cannot be shared by %u loops: %s", loops, strerror(errno));
            return false;
        }
        listener->fds[listener->sockets] = fd;
    }
    return true;
}

unsigned listeners_open(const struct server_options *options, struct listener *listeners)
{
    for (unsigned i = 0; i < options->listen_count; i++) {
        bool open = listen_on(&options->listen[i], options->loops, &listeners[i]);
        if (!open || !share(&listeners[i], options->loops)) {
            listeners_remove(listeners, i + open);
            listeners_close(listeners, i + open);
            return 0;
        }
    }
    return options->listen_count;
}

unsigned listeners_sockets(const struct listener *listeners, unsigned count)
{
    unsigned sockets = 0;
    for (unsigned i = 0; i < count; i++) {
        sockets += listeners[i].sockets;
    }
    return sockets;
}

void listeners_remove(const struct listener *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        listen_remove(&listeners[i].address);
    }
}

void listeners_close(struct listener *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        while (listeners[i].sockets > 0) {
            close(listeners[i].fds[--listeners[i].sockets]);
        }
    }
}
