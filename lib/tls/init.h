/* OpenSSL, made ready once for the whole process. */
#pragma once

#include <stdbool.h>

enum {
    TLS_WRONG = 512 /* room for a message of this room; longer ones are cut */
};

/* Before anything else of this room, on one thread, and before the process is confined: whatever
 * OpenSSL does only once it does here, reads its configuration, fetches its algorithms, and seeds
 * its random numbers. Later it asks the system for nothing but bytes, memory, time and random
 * numbers (getrandom(2)); clients that trust the system's authorities also read those files.
 *
 * The configuration is the machine's (openssl.cnf, or $OPENSSL_CONF): what its administrator says
 * there of the oldest version and the weakest cipher holds for us too, as for other servers.
 * Nothing is done at exit: threads may still be at work then.
 *
 * False, and a message in `wrong`: it cannot be used. A second call does nothing. */
bool tls_init(char wrong[TLS_WRONG]);

/* Whether the kernel can encrypt for us (TCP_ULP "tls"); it then sends files too. */
bool tls_kernel_helps(void);
