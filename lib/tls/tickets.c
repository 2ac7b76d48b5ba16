#include "lib/tls/tickets.h"

#include "lib/base/clock.h"
#include "lib/tls/contexts.h"
#include "lib/tls/reason.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_SIZE = 16,
    SMALL = 48,
    LARGE = 80,
};

struct key {
    unsigned char name[NAME_SIZE];
    unsigned char cipher[32], mac[32];
    size_t strength; /* bytes of these two: 16 or 32 */
};

struct tls_tickets {
    atomic_uint holds;
    pthread_mutex_t lock; /* guards what follows; a leaf */
    struct key key[TLS_TICKET_KEYS];
    size_t count;
    bool random;
    uint64_t turned_ns; /* random: when the first key came to be it */
};

/* Fetched once: in OpenSSL 3.0, every look-up by name takes locks that all threads share. */
static EVP_CIPHER *aes_128, *aes_256;

bool tickets_init(void)
{
    aes_128 = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    aes_256 = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    return aes_128 != NULL && aes_256 != NULL;
}

/* --- making ----------------------------------------------------------------------------------- */

static bool draw(struct key *key)
{
    key->strength = 32;
    return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
           RAND_priv_bytes(key->cipher, sizeof(key->cipher)) == 1 &&
           RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

static struct tls_tickets *create(void)
{
    struct tls_tickets *tickets = calloc(1, sizeof(*tickets));
    if (tickets != NULL) {
        tickets->holds = 1;
        pthread_mutex_init(&tickets->lock, NULL);
    }
    return tickets;
}

struct tls_tickets *tls_tickets_create(void)
{
    struct tls_tickets *tickets = create();
    if (tickets == NULL || !draw(&tickets->key[0])) {
        tls_tickets_release(tickets);
        return NULL;
    }
    tickets->random = true;
    tickets->count = 1;
    tickets->turned_ns = clock_monotonic_ns();
    return tickets;
}

/* In the order that nginx has: in small keys the cipher's goes first, in large ones the other. */
static void adopt(struct key *key, const char *bytes, size_t size)
{
    size_t strength = size == SMALL ? 16 : 32;
    const char *first = bytes + NAME_SIZE, *second = first + strength;
    key->strength = strength;
    memcpy(key->name, bytes, NAME_SIZE);
    memcpy(key->cipher, size == SMALL ? first : second, strength);
    memcpy(key->mac, size == SMALL ? second : first, strength);
}

static bool adopt_all(struct tls_tickets *tickets, const struct tls_file *file,
                      char wrong[TLS_WRONG])
{
    size_t size = file->size % LARGE == 0 ? LARGE : SMALL;
    if (file->size == 0 || file->size % size != 0) {
        return wrong_say(wrong, "%s: has %zu bytes, and ticket keys have 48 or 80 each", file->name,
                         file->size);
    }
    for (size_t at = 0; at < file->size; at += size) {
        if (tickets->count == TLS_TICKET_KEYS) {
            return wrong_say(wrong, "%s: has more than the %d ticket keys that there is room for",
                             file->name, TLS_TICKET_KEYS);
        }
        adopt(&tickets->key[tickets->count++], file->bytes + at, size);
    }
    return true;
}

struct tls_tickets *tls_tickets_read(const struct tls_file *files, size_t count,
                                     char wrong[TLS_WRONG])
{
    struct tls_tickets *tickets = create();
    bool fine = tickets != NULL || wrong_say(wrong, "no memory for ticket keys");
    for (size_t i = 0; fine && i < count; i++) {
        fine = adopt_all(tickets, &files[i], wrong);
    }
    if (!fine) {
        tls_tickets_release(tickets);
        return NULL;
    }
    *wrong = '\0';
    return tickets;
}

struct tls_tickets *tickets_hold(struct tls_tickets *tickets)
{
    atomic_fetch_add_explicit(&tickets->holds, 1, memory_order_relaxed);
    return tickets;
}

void tls_tickets_release(struct tls_tickets *tickets)
{
    if (tickets != NULL &&
        atomic_fetch_sub_explicit(&tickets->holds, 1, memory_order_acq_rel) == 1) {
        pthread_mutex_destroy(&tickets->lock);
        explicit_bzero(tickets, sizeof(*tickets));
        free(tickets);
    }
}

/* --- turns ------------------------------------------------------------------------------------ */

/* The lock is held. Without random numbers the old key goes on. */
static void turn(struct tls_tickets *tickets, uint64_t now_ns)
{
    struct key fresh;
    if (draw(&fresh)) {
        tickets->key[1] = tickets->key[0];
        tickets->key[0] = fresh;
        tickets->count = 2;
        tickets->turned_ns = now_ns;
    }
}

void tls_tickets_turn(struct tls_tickets *tickets)
{
    pthread_mutex_lock(&tickets->lock);
    if (tickets->random) {
        turn(tickets, clock_monotonic_ns());
    }
    pthread_mutex_unlock(&tickets->lock);
}

/* The lock is held. */
static void turn_if_due(struct tls_tickets *tickets)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (tickets->random && now_ns - tickets->turned_ns >= TLS_TICKET_LIFE_S * NS_PER_S) {
        turn(tickets, now_ns);
    }
}

/* --- use -------------------------------------------------------------------------------------- */

/* Copies the key that encrypts, or the one of that name; returns its number, -1: there is none. */
static int find(struct tls_tickets *tickets, const unsigned char *name, struct key *key)
{
    int found = -1;
    pthread_mutex_lock(&tickets->lock);
    turn_if_due(tickets);
    for (size_t i = 0; found < 0 && i < tickets->count; i++) {
        if (name == NULL || memcmp(tickets->key[i].name, name, NAME_SIZE) == 0) {
            found = (int)i;
            *key = tickets->key[i];
        }
    }
    pthread_mutex_unlock(&tickets->lock);
    return found;
}

static bool prepare(const struct key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, bool encrypts)
{
    char digest[] = "SHA256";
    OSSL_PARAM with[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    const EVP_CIPHER *aes = key->strength == 16 ? aes_128 : aes_256;
    return EVP_MAC_init(mac, key->mac, key->strength, with) == 1 &&
           EVP_CipherInit_ex(cipher, aes, NULL, key->cipher, iv, encrypts) == 1;
}

/* What OpenSSL asks of its callback: -1 failed; encrypting 1; decrypting 0 unknown, 1 known, 2
 * known and to be replaced by a new ticket. */
int tickets_key(struct tls_tickets *tickets, unsigned char name[16], unsigned char *iv,
                EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool encrypts)
{
    struct key key;
    int found = find(tickets, encrypts ? NULL : name, &key);
    if (found < 0) {
        return encrypts ? -1 : 0;
    }
    if (encrypts) {
        memcpy(name, key.name, NAME_SIZE);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes_256)) != 1) {
            return -1;
        }
    }
    bool ready = prepare(&key, iv, cipher, mac, encrypts);
    explicit_bzero(&key, sizeof(key));
    return !ready ? -1 : encrypts || found == 0 ? 1 : 2;
}
