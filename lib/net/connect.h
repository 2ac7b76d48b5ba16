/* Outgoing connections. All are close-on-exec and, over TCP, have TCP_NODELAY. */
#pragma once

#include "lib/net/address.h"

#include <stdint.h>

/* A blocking connection, or -errno: -ETIMEDOUT when it is not there after timeout_ns (at least a
 * microsecond is tried; CLOCK_NEVER waits for as long as the system does), -EINTR when a signal
 * came first. The descriptor has no timeouts of its own yet. */
int connect_blocking(const struct address *address, uint64_t timeout_ns);

/* Begins a non-blocking connection: a descriptor that becomes writable when it is decided (then ask
 * connect_result), or -errno at once. Unix sockets connect at once or fail with -EAGAIN when the
 * backlog is full. */
int connect_begin(const struct address *address);

/* 0 or -errno for a descriptor from connect_begin that became writable. */
int connect_result(int fd);
