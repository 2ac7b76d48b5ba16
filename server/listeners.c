#include "server/listeners.h"

#include "lib/base/log.h"
#include "lib/net/listen.h"
#include "server/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_same(const struct address *one, const struct address *other)
{
    char one_text[ADDRESS_TEXT], other_text[ADDRESS_TEXT];
    return strcmp(address_write(one_text, one), address_write(other_text, other)) == 0;
}

/* A predecessor was asked for the same as we are; for what a supervisor passes, our options say
 * what is spoken there. */
static bool is_meant(const struct inherited *one, const struct listener *listener)
{
    return is_same(&one->asked, &listener->asked) && (one->lent || one->tls == listener->tls);
}

/* Moves the sockets of one listener, the first that was asked for by this address, into ours. */
static bool inherit(struct listener *listener, struct inherited *pool, unsigned pool_count)
{
    const struct inherited *first = NULL;
    for (unsigned i = 0; i < pool_count && listener->sockets < LOOPS_MAX; i++) {
        struct inherited *one = &pool[i];
        if (one->fd < 0 ||
            (first != NULL ? one->group != first->group : !is_meant(one, listener))) {
            continue;
        }
        first = one;
        listener->fds[listener->sockets++] = one->fd;
        one->fd = -1;
    }
    if (first == NULL) {
        return true;
    }
    listener->lent = first->lent;
    listener->heir = !first->lent;
    listener->address.size = sizeof(listener->address.at);
    if (getsockname(listener->fds[0], &listener->address.at.any, &listener->address.size) < 0) {
        log_error("an inherited socket does not tell its address: %s", strerror(errno));
        return false;
    }
    return true;
}

static bool open_new(struct listener *listener, unsigned sockets)
{
    char text[ADDRESS_TEXT];
    listener->address = listener->asked;
    int error = listen_open(&listener->address, true, sockets, listener->fds);
    if (error != 0) {
        log_error("%s: cannot be listened on: %s%s", address_write(text, &listener->asked),
                  strerror(-error), error == -EADDRINUSE ? " (another server is there)" : "");
        return false;
    }
    listener->sockets = sockets;
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

static void warn_beyond(const struct address *address, bool known_alone)
{
    char text[ADDRESS_TEXT];
    if (!address_is_loopback(address)) {
        log_warn("%s: listening beyond this machine: whoever reaches that address%s can read what "
                 "is served",
                 address_write(text, address),
                 known_alone ? " and has a certificate of --client-ca" : "");
    }
}

/* What listeners are made of, and those that are there so far: the caller's to close. */
struct opening {
    const struct server_options *options;
    struct inherited *pool;
    unsigned pool_count;
    struct listener *listeners;
    unsigned count;
};

static bool add(struct opening *o, const struct address *asked, bool tls, unsigned loops)
{
    if (o->count == LISTENERS_MAX) {
        log_error("more than %d addresses are to be listened on", LISTENERS_MAX);
        return false;
    }
    struct listener *listener = &o->listeners[o->count++];
    *listener = (struct listener){.asked = *asked, .tls = tls};
    if (!inherit(listener, o->pool, o->pool_count) ||
        (listener->sockets == 0 && !open_new(listener, loops)) || !share(listener, loops)) {
        return false;
    }
    warn_beyond(&listener->address, tls && o->options->client_ca != NULL);
    return true;
}

static bool is_activated(const struct inherited *pool, unsigned pool_count)
{
    for (unsigned i = 0; i < pool_count; i++) {
        if (pool[i].lent) {
            return true;
        }
    }
    return false;
}

/* A predecessor's socket that is not asked for any more. */
static void drop(struct inherited *one)
{
    char text[ADDRESS_TEXT];
    log_warn("%s: is listened on no more", address_write(text, &one->asked));
    close(one->fd);
    one->fd = -1;
}

static bool open_all(struct opening *o)
{
    const struct server_options *options = o->options;
    if (options->has_admin) {
        if (!add(o, &options->admin, false, 1)) {
            return false;
        }
        o->listeners[0].is_private = true;
    }
    bool skip = options->listen_default && is_activated(o->pool, o->pool_count);
    for (unsigned i = 0; !skip && i < options->listen_count; i++) {
        const struct place *place = &options->listen[i];
        if (!add(o, &place->address, place->tls, options->loops)) {
            return false;
        }
    }
    for (unsigned i = 0; i < o->pool_count; i++) {
        struct inherited *left = &o->pool[i];
        if (left->fd >= 0 && !left->lent) {
            drop(left);
        } else if (left->fd >= 0 && !add(o, &left->asked, left->tls, options->loops)) {
            return false;
        }
    }
    return true;
}

unsigned listeners_open(const struct server_options *options, struct listener *listeners)
{
    struct opening opening = {.options = options, .listeners = listeners};
    if (!inherited_take(&opening.pool, &opening.pool_count)) {
        return 0;
    }
    bool open = open_all(&opening);
    free(opening.pool);
    if (!open) {
        listeners_remove(listeners, opening.count);
        listeners_close(listeners, opening.count);
        return 0;
    }
    return opening.count;
}

void listeners_own(struct listener *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        listeners[i].heir = false;
    }
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
        if (listeners[i].sockets > 0 && !listeners[i].lent && !listeners[i].heir) {
            listen_remove(&listeners[i].address);
        }
    }
}

void listeners_refuse(const struct listener *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct listener *one = &listeners[i];
        bool ours = !one->lent && !one->heir && !one->is_private;
        for (unsigned j = 0; ours && j < one->sockets; j++) {
            listen_refuse(one->fds[j]);
        }
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
