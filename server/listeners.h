/* The listening sockets of a server: what every process of it holds. */
#pragma once

#include "server/options.h"

/* Opens a listener for each address of the options, with a descriptor for each loop at the least.
 * Returns how many, or 0 after log_error(), with nothing left open. */
unsigned listeners_open(const struct server_options *options, struct listener *listeners);

/* How many sockets there are in all. */
unsigned listeners_sockets(const struct listener *listeners, unsigned count);

/* Removes the socket files; what was accepted, and who waits to be, is not touched. */
void listeners_remove(const struct listener *listeners, unsigned count);
/* Closes this process's descriptors. */
void listeners_close(struct listener *listeners, unsigned count);
