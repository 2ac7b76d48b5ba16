/* Outgoing connections. All are close-on-exec and, over TCP, have TCP_NODELAY. `source` is the
 * address that they come from, whose port is 0; NULL leaves it to the system. Its port is chosen
 * when the peer is known, so that one port serves connections to many peers: -EADDRNOTAVAIL says
 * that there is none left to this one, or no such address here. */
#pragma once

#include "lib/net/address.h"

#include <stdint.h>

/* A blocking connection, or -errno: -ETIMEDOUT when it is not there after timeout_ns (at least a
 * microsecond is tried; CLOCK_NEVER waits for as long as the system does), -EINTR when a signal
 * came first. The descriptor has no timeouts of its own yet. */
int connect_blocking(const struct address *address, const struct address *source,
                     uint64_t timeout_ns);

/* Whether connections can come from there: 0 or -errno. */
int connect_try_source(const struct address *source);

/* Begins a non-blocking connection: a descriptor that becomes writable when it is decided (then ask
 * connect_result), or -errno at once. Unix sockets connect at once or fail with -EAGAIN when the
 * backlog is full. */
int connect_begin(const struct address *address, const struct address *source);

/* 0 or -errno for a descriptor from connect_begin that became writable. */
int connect_result(int fd);
