#include "server/admit.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
    TURN_AWAY_READS = 16 /* whoever sends without end must not keep the door */
};

bool admit(struct site *site, struct ledger *ledger, int fd, const struct client *client, bool tls)
{
    if (addresses_enter(site->addresses, client)) {
        return true;
    }
    ledger_limit(ledger, LIMIT_PER_ADDRESS);
    turn_away(ledger, fd, tls);
    return false;
}

void admit_left(struct site *site, const struct client *client)
{
    addresses_leave(site->addresses, client);
}

/* The one reply that is not a session's: there is no thread or memory to hold one. */
void turn_away(struct ledger *ledger, int fd, bool tls)
{
    static const char reply[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                "Content-Length: 0\r\nConnection: close\r\n\r\n";
    char request[4096];
    ledger_count(ledger, COUNT_TURNED_AWAY);
    if (!tls && send(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        shutdown(fd, SHUT_WR);
    }
    for (int i = 0; i < TURN_AWAY_READS; i++) { /* to close over unread bytes would reset it away */
        if (recv(fd, request, sizeof(request), MSG_DONTWAIT) <= 0) {
            break;
        }
    }
    close(fd);
}
