/* Who is at the other end, as far as limits and logs know it: a host, not a port. */
#pragma once

#include "lib/net/address.h"

#include <stdint.h>

enum client_kind {
    CLIENT_LOCAL, /* over a unix socket: on this machine, without an address */
    CLIENT_V4,
    CLIENT_V6,
};

struct client {
    uint8_t kind;
    uint8_t at[16]; /* in network order; V4: the first four */
};

/* By the address that accept(2) told. */
struct client client_of(const struct address *peer);
