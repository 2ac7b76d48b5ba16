/* How many connections each address has: a table for --max-per-address.
 *
 * IPv4 counts by the address; IPv6 by its /64, for whoever has one address there has all of them;
 * unix sockets do not count. One lock guards the table, a leaf that is held for a few instructions
 * when a connection comes or goes. */
#pragma once

#include "server/client.h"

#include <stdbool.h>
#include <stddef.h>

struct addresses;

/* For up to `connections` at once, `most` of them from one address. NULL when out of memory. */
struct addresses *addresses_create(size_t connections, uint64_t most);
void addresses_destroy(struct addresses *addresses);

/* Counts a connection in; false when its address has too many already. NULL lets everybody in. Any
 * thread. */
bool addresses_enter(struct addresses *addresses, const struct client *client);
/* Counts out one that was let in. */
void addresses_leave(struct addresses *addresses, const struct client *client);
