#include "server/client.h"

#include <string.h>

struct client client_of(const struct address *peer)
{
    struct client client = {.kind = CLIENT_LOCAL};
    if (peer->at.any.sa_family == AF_INET) {
        client.kind = CLIENT_V4;
        memcpy(client.at, &peer->at.v4.sin_addr, 4);
    } else if (peer->at.any.sa_family == AF_INET6) {
        client.kind = CLIENT_V6;
        memcpy(client.at, &peer->at.v6.sin6_addr, 16);
    }
    return client;
}
