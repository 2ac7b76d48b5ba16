/* The listening sockets of a server: what every process of it holds. */
#pragma once

#include "server/options.h"

/* Has a listener for each address of the options, that of --admin first, and for each socket that a
 * supervisor passes (in place of the default address), with a descriptor for each loop at the
 * least. Sockets that were inherited are used; others are opened. Returns how many, or 0 after
 * log_error(), with nothing left open. */
unsigned listeners_open(const struct server_options *options, struct listener *listeners);

/* How many sockets there are in all. */
unsigned listeners_sockets(const struct listener *listeners, unsigned count);

/* They are ours alone now: the predecessor, if there was one, leaves. */
void listeners_own(struct listener *listeners, unsigned count);

/* Removes the socket files of those that are ours alone; what was accepted, and who waits to be, is
 * not touched. */
void listeners_remove(const struct listener *listeners, unsigned count);
/* Has those that are ours alone take no further client, but --admin (listen_refuse()): in all
 * processes that hold them. */
void listeners_refuse(const struct listener *listeners, unsigned count);
/* Closes this process's descriptors. */
void listeners_close(struct listener *listeners, unsigned count);
