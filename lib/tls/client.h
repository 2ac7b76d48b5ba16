/* What a client needs to speak TLS: one of these for all its connections, or one for each thread.
 * Constant once made; any thread. */
#pragma once

#include "lib/tls/file.h"

struct tls_client;

struct tls_client_plan {
    struct tls_file ca;  /* PEM: the authorities to be trusted; no bytes: the system's */
    bool insecure;       /* neither the certificate nor its name is looked at */
    struct tls_pair own; /* the client's own certificate; no bytes: none */
};

/* NULL: `wrong` says why and names the file. Not NULL: it is empty. */
struct tls_client *tls_client_create(const struct tls_client_plan *plan, char wrong[TLS_WRONG]);

/* Connections that have begun go on with it. NULL is fine. */
void tls_client_destroy(struct tls_client *client);

/* The last session that a server gave, for the next connection to it to resume: one for each server
 * and name that is asked for. Any thread; it has to outlive the connections that were given it. */
struct tls_recall;

struct tls_recall *tls_recall_create(void); /* NULL when out of memory */
void tls_recall_destroy(struct tls_recall *recall);
