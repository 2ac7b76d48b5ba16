#include "server/addresses.h"

#include "lib/base/random.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Open addressing: whoever is not in its own place is in one of those behind it, with no gap
 * between. */
struct place {
    uint64_t key;
    uint32_t kind;
    uint32_t count; /* 0: a gap */
};

struct addresses {
    pthread_mutex_t lock;
    uint64_t most;
    uint64_t secret; /* so that nobody can choose addresses that meet in one place */
    size_t mask;
    struct place place[];
};

struct addresses *addresses_create(size_t connections, uint64_t most)
{
    size_t places = 16;
    while (places < 2 * connections) { /* never full, and runs stay short */
        places *= 2;
    }
    struct addresses *addresses = calloc(1, sizeof(*addresses) + places * sizeof(struct place));
    if (addresses == NULL) {
        return NULL;
    }
    pthread_mutex_init(&addresses->lock, NULL);
    addresses->most = most;
    addresses->mask = places - 1;
    if (getrandom(&addresses->secret, sizeof(addresses->secret), GRND_NONBLOCK) < 0) {
        addresses->secret = (uintptr_t)addresses;
    }
    return addresses;
}

void addresses_destroy(struct addresses *addresses)
{
    if (addresses != NULL) {
        pthread_mutex_destroy(&addresses->lock);
        free(addresses);
    }
}

static uint64_t key_of(const struct client *client)
{
    uint64_t key = 0;
    memcpy(&key, client->at, client->kind == CLIENT_V4 ? 4 : 8);
    return key;
}

static size_t home_of(const struct addresses *addresses, uint64_t key)
{
    return (size_t)random_at(addresses->secret, key) & addresses->mask;
}

/* Where an address is, or the gap where it would be. */
static size_t find(const struct addresses *addresses, uint64_t key, uint32_t kind)
{
    size_t at = home_of(addresses, key);
    const struct place *place;
    while ((place = &addresses->place[at])->count > 0 &&
           (place->key != key || place->kind != kind)) {
        at = (at + 1) & addresses->mask;
    }
    return at;
}

bool addresses_enter(struct addresses *addresses, const struct client *client)
{
    if (addresses == NULL || client->kind == CLIENT_LOCAL) {
        return true;
    }
    uint64_t key = key_of(client);
    pthread_mutex_lock(&addresses->lock);
    struct place *place = &addresses->place[find(addresses, key, client->kind)];
    bool enters = place->count < addresses->most;
    if (enters) {
        *place = (struct place){key, client->kind, place->count + 1};
    }
    pthread_mutex_unlock(&addresses->lock);
    return enters;
}

/* Makes a gap, and moves whoever could not be found any more because of it. */
static void clear(struct addresses *addresses, size_t gap)
{
    size_t at = gap;
    addresses->place[gap].count = 0;
    while (addresses->place[at = (at + 1) & addresses->mask].count > 0) {
        size_t from_home = (at - home_of(addresses, addresses->place[at].key)) & addresses->mask;
        if (from_home >= ((at - gap) & addresses->mask)) {
            addresses->place[gap] = addresses->place[at];
            addresses->place[at].count = 0;
            gap = at;
        }
    }
}

void addresses_leave(struct addresses *addresses, const struct client *client)
{
    if (addresses == NULL || client->kind == CLIENT_LOCAL) {
        return;
    }
    pthread_mutex_lock(&addresses->lock);
    size_t at = find(addresses, key_of(client), client->kind);
    if (--addresses->place[at].count == 0) {
        clear(addresses, at);
    }
    pthread_mutex_unlock(&addresses->lock);
}
