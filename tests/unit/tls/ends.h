/* Two ends of a connection, both ours, in one process. */
#pragma once

#include "lib/tls/link.h"
#include "tests/support/authority.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What a server and its clients are made of; made once for all cases of a program. */
struct world {
    struct authority *authority;
    struct tls_file ca;
    struct tls_pair pair; /* for server.test, *.wild.test, 127.0.0.1 and ::1 */
    struct tls_server *server;
    struct tls_client *client;
    struct tls_client *older; /* has no TLS but 1.2 */
};

void world_create(struct world *world);
void world_destroy(struct world *world);

/* Fail the test with what was wrong. */
struct tls_server *new_server(const struct tls_server_plan *plan);
struct tls_client *new_client(const struct tls_client_plan *plan);
struct tls_client *new_older_client(const struct tls_client_plan *plan);

struct ends {
    struct stream server, client;
};

/* Over a socket pair, non-blocking, before the handshake; NULL leaves an end plain. */
void ends_open(struct ends *ends, struct tls_server *server, struct tls_client *client,
               const char *host, struct tls_recall *recall);
/* Both descriptors too. */
void ends_close(struct ends *ends);

struct outcomes {
    int server, client;
};

/* Until both are done, or one has failed and the other is done, has failed or waits for ever. */
struct outcomes ends_shake(struct ends *ends);
/* Which succeeds. */
void ends_meet(struct ends *ends);

/* Sends a text, and receives it at the other end. */
void send_text(struct stream *from, const char *text);
void expect_text(struct stream *at, const char *text);

/* A client that is not ours, on the client's descriptor, of a context that it frees in the end. */
SSL *stranger(const struct ends *ends, SSL_CTX *context);
/* Its handshake with the server: its SSL_get_error(), and what the server's came to. */
struct outcomes stranger_shake(struct ends *ends, SSL *ssl);

/* The bytes 0, 1, .. 250, 0, 1, .. (251 is prime: a slip shows). */
void pattern_fill(unsigned char *to, size_t size);
int pattern_file(size_t size);
/* Fails unless they are those from `offset` on. */
void pattern_check(const unsigned char *bytes, size_t size, size_t offset);
