/* An authority's word on a certificate (RFC 6960). Of this room. */
#pragma once

#include "lib/tls/file.h"

#include <openssl/x509.h>
#include <stdint.h>

/* Whether the file is a response about this certificate, and until when it is good (INT64_MAX: it
 * does not say). Its signature is for the clients to verify. */
bool ocsp_read(const struct tls_file *file, const X509 *certificate, int64_t *until_s,
               char wrong[TLS_WRONG]);
