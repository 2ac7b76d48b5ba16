/* Listening sockets. */
#pragma once

#include "lib/net/address.h"

/* Opens sockets that accept on `address`: `count` of them that share the port (SO_REUSEPORT, the
 * kernel spreads connections over them), non-blocking or not as asked. Port 0 is replaced in
 * *address by the one found. All are bound before any listens.
 *
 * A second server on the same address is refused, whatever its count: the port is first
 * claimed by a socket without SO_REUSEPORT, which fails when anybody listens there. A unix socket
 * is created with the umask of the process; a stale one is replaced only when connect() says that
 * nobody answers on it; with unix sockets every loop accepts from one shared description
 * (duplicates of it).
 *
 * Returns 0 and `count` descriptors (close-on-exec) in fds, or -errno with nothing left open:
 * -EADDRINUSE above all. Backlog: as long as the system allows. */
int listen_open(struct address *address, bool nonblocking, unsigned count, int *fds);

/* Removes the socket file of a unix address; nothing for others. */
void listen_remove(const struct address *address);
