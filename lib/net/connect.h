/* Outgoing connections. */
#pragma once

#include "lib/net/address.h"

#include <stdint.h>

/* A blocking connection with TCP_NODELAY, or -errno (-ETIMEDOUT after timeout_ns). Close-on-exec.
 */
int connect_blocking(const struct address *address, uint64_t timeout_ns);

/* Begins a non-blocking connection (TCP_NODELAY, close-on-exec): a descriptor that becomes writable
 * when it is decided (then ask connect_result), or -errno at once. Unix sockets connect at once or
 * fail with -EAGAIN when the backlog is full. */
int connect_begin(const struct address *address);

/* 0 or -errno for a descriptor from connect_begin that became writable. */
int connect_result(int fd);
