/* What is inside the contexts. Of this room. */
#pragma once

#include "lib/tls/client.h"
#include "lib/tls/server.h"

#include <openssl/ssl.h>

struct tls_server {
    SSL_CTX *front; /* of the first pair; keeps the others */
};

struct tls_client {
    SSL_CTX *context;
};

/* What both sides want of a context. NULL when out of memory. */
SSL_CTX *context_create(const SSL_METHOD *method, enum tls_version oldest);

/* Puts a pair into a context. False: `wrong` says why. */
bool context_use(SSL_CTX *context, const struct tls_pair *pair, STACK_OF(X509) * chain,
                 EVP_PKEY *key, char wrong[TLS_WRONG]);

/* Adds the file's certificates to those that the context trusts. */
bool context_trust(SSL_CTX *context, const struct tls_file *ca, char wrong[TLS_WRONG]);

/* The session to be offered, which is the caller's; NULL: none. */
SSL_SESSION *recall_take(struct tls_recall *recall);
/* Keeps a copy of a session, in the place of the one before; by the thread whose session it is. */
void recall_keep(struct tls_recall *recall, SSL_SESSION *session);

/* The callback of tickets, and a further hold of the keys. */
struct tls_tickets *tickets_hold(struct tls_tickets *tickets);
int tickets_key(struct tls_tickets *tickets, unsigned char name[16], unsigned char *iv,
                EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool encrypts);
/* Fetches its algorithms; part of tls_init(). */
bool tickets_init(void);

/* Part of tls_init(). */
bool server_init(void);

/* Why a certificate of the peer is not accepted: the callback of both sides (link.c). */
int link_on_verdict(int fine, X509_STORE_CTX *verdict);
/* A message of TLS's own has come or gone (receive.c). */
void link_on_message(int sent, int version, int kind, const void *bytes, size_t size, SSL *ssl,
                     void *argument);
/* A session has come (link.c). */
int link_on_session(SSL *ssl, SSL_SESSION *session);
