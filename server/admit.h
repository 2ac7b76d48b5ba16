/* Who is let in, for both I/O models alike. */
#pragma once

#include "server/client.h"
#include "server/ledger/ledger.h"
#include "server/site.h"

/* Whether an accepted connection may begin a conversation; it is turned away and closed otherwise.
 * One that may is counted until admit_left(). */
bool admit(struct site *site, struct ledger *ledger, int fd, const struct client *client, bool tls);
void admit_left(struct site *site, const struct client *client);

/* Says 503 to a connection that nothing is there for, without waiting, and closes it; over TLS it
 * is only closed, for nothing can be said before a handshake. */
void turn_away(struct ledger *ledger, int fd, bool tls);
