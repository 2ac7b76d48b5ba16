/* Errors in words. Of this room. */
#pragma once

#include "lib/tls/init.h"

#include <openssl/x509.h>

/* Writes a message to `wrong`; false, always. */
bool wrong_say(char wrong[TLS_WRONG], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes what OpenSSL's queue of this thread holds, and empties it; returns the reason code
 * (SSL_R_) of the error that was told, 0 when there was none. */
int reason_of_queue(char *to, size_t size);

/* Writes why a certificate is not accepted: `error` is X509_V_ERR_*, `host` what was asked for. */
void reason_of_verdict(char *to, size_t size, int error, X509 *certificate, const char *host);
