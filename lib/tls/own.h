/* A certificate of our own, for a server that was given none. */
#pragma once

#include "lib/tls/file.h"

enum {
    TLS_FINGERPRINT = 96 /* SHA-256 as "AB:CD:..", with its NUL */
};

/* Makes one for this machine alone (localhost, 127.0.0.1, ::1), good for a year, signed by its own
 * key (ECDSA, P-256); it is nowhere but in memory. Nobody trusts it; who is told the fingerprint
 * can tell it from others. *pair owns its bytes: tls_file_free() both. False: `wrong` says why. */
bool tls_own_create(struct tls_pair *pair, char fingerprint[TLS_FINGERPRINT],
                    char wrong[TLS_WRONG]);
