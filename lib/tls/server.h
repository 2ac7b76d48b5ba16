/* What a server needs to speak TLS: one of these for all its connections, or one for each core
 * (contexts of OpenSSL 3.0 have locks that threads queue on). Constant once made; any thread.
 *
 * TLS 1.2 and 1.3 with OpenSSL's default ciphers in the server's order, for 1.2 those alone that
 * are AEAD and keep what was said secret for good (RFC 9325 4.1, 4.2); key exchange by elliptic
 * curves, and not by finite fields, which cost a server much more than who asks it; no
 * renegotiation, no compression; tickets, a new one with each resumption by 1.3 (RFC 8446 C.4), and
 * no session that is kept, or outlives an hour or the client's certificate; ALPN "http/1.1", else
 * "http/1.0", where a client that asks for others alone is refused (RFC 7301 3.2); HTTP/1.1 is also
 * what is spoken to who asks for none.
 */
#pragma once

#include "lib/tls/file.h"
#include "lib/tls/tickets.h"

enum tls_version {
    TLS_1_2, /* and newer */
    TLS_1_3,
};

struct tls_server;

struct tls_server_plan {
    /* Chosen by the name that the client asks for (RFC 6066 3): the names of a certificate are
     * those of its subjectAltName, else its CN; a whole name goes before a wildcard, and the first
     * pair is for all others. Two of the same names may differ in the kind of their keys: then each
     * client gets the one that it understands. */
    const struct tls_pair *pairs;
    size_t pair_count; /* 1 and more */
    /* Authorities of clients, PEM: no client without a certificate of theirs. No bytes: nobody is
     * asked. */
    struct tls_file client_ca;
    enum tls_version oldest;
    struct tls_tickets *tickets; /* NULL: random keys of its own */
};

/* Reads nothing but the plan, keeps nothing of it but a hold of the tickets, and may be called in a
 * confined process. NULL: `wrong` says why and names the file: what is no PEM, a key that does not
 * fit or is encrypted, a certificate that has expired or is not valid yet.
 *
 * Not NULL: `wrong` is empty, or says what looks odd. */
struct tls_server *tls_server_create(const struct tls_server_plan *plan, char wrong[TLS_WRONG]);

/* Connections that have begun go on with it. NULL is fine. */
void tls_server_destroy(struct tls_server *server);
