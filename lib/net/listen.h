/* Listening sockets. */
#pragma once

#include "lib/net/address.h"

/* Opens sockets that accept on `address`: `count` (1 and more) of them that share the port
 * (SO_REUSEPORT, the kernel spreads connections over them), non-blocking or not as asked. Port 0 is
 * replaced in *address by the one found.
 *
 * A second server on the same address is refused, whatever its count and that of the first; a
 * restart while old connections linger is not. [::] does not include IPv4: both can be listened on.
 * A unix socket is created with the umask of the process; a stale one is replaced only when
 * connect() says that nobody answers on it. Its `count` descriptors are duplicates of one.
 *
 * Accepted TCP connections inherit TCP_NODELAY. Backlog: as long as the system allows.
 *
 * Returns 0 and `count` descriptors (close-on-exec) in fds, or -errno with nothing left open:
 * -EADDRINUSE above all; -ENOTSOCK when something that is no socket stands at the path. */
int listen_open(struct address *address, bool nonblocking, unsigned count, int *fds);

/* Removes the socket file of a unix address; nothing for others. */
void listen_remove(const struct address *address);

/* Has a listening TCP socket, and all its descriptors in other processes, take no further client:
 * one that asks to be connected is not answered, and will be refused when the socket is closed.
 * Connections that are established, or about to be, can still be accepted: a socket that is closed
 * while some wait to be resets them. For a unix socket, listen_remove() does as much; nothing is
 * done here. False when the system does not know how, or does not let us: some kernels want
 * CAP_NET_ADMIN for it. */
bool listen_refuse(int fd);
