/* The keys that session tickets are encrypted with (RFC 5077, RFC 8446 4.6.1). A server keeps no
 * session: whoever holds the keys can resume it, in any thread, context or process.
 *
 * Shared: each context keeps a hold of its own. Any thread. */
#pragma once

#include "lib/tls/file.h"

struct tls_tickets;

enum {
    /* How long a ticket is good for, and how long random keys encrypt before new ones do. The keys
     * before still decrypt: no ticket outlives its key. */
    TLS_TICKET_LIFE_S = 3600,
    TLS_TICKET_KEYS = 16, /* the most */
};

/* Random keys, which take turns by themselves. NULL when out of memory or of random numbers. */
struct tls_tickets *tls_tickets_create(void);

/* Keys from files, as nginx's ssl_session_ticket_key and Apache's SSLSessionTicketKeyFile take
 * them: random bytes, 80 for each key (name 16, HMAC-SHA256 32, AES-256 32) or 48 (name 16, AES-128
 * 16, HMAC 16). A file may hold several of one kind; one that could be either has keys of 80. The
 * first key of all encrypts, the others decrypt; they do not change by themselves.
 *
 * NULL: `wrong` says why. */
struct tls_tickets *tls_tickets_read(const struct tls_file *files, size_t count,
                                     char wrong[TLS_WRONG]);

/* Random keys take their turn now: twice, and no ticket from before is taken. Nothing for keys from
 * files. */
void tls_tickets_turn(struct tls_tickets *tickets);

/* Lets go; contexts go on with theirs. NULL is fine. */
void tls_tickets_release(struct tls_tickets *tickets);
