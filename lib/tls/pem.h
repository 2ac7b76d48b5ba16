/* Certificates and keys out of PEM text. Of this room; what is returned is the caller's, and NULL
 * comes with a message. */
#pragma once

#include "lib/tls/file.h"

#include <openssl/x509.h>

/* All certificates of the file: one at least. */
STACK_OF(X509) * pem_certificates(const struct tls_file *file, char wrong[TLS_WRONG]);

/* The first private key of the file. Nobody is asked for a password. */
EVP_PKEY *pem_key(const struct tls_file *file, char wrong[TLS_WRONG]);

/* Whether the key is for the first certificate, and this one is valid now. */
bool pem_fits(const struct tls_pair *pair, STACK_OF(X509) * chain, EVP_PKEY *key,
              char wrong[TLS_WRONG]);

/* The names that a certificate is for, DNS alone: a block that is freed at once (free()), each name
 * ended by NUL, the last by another; lower case. With `addresses`, IP addresses as well. Empty when
 * there are none, NULL when out of memory. */
char *pem_names(const X509 *certificate, bool addresses);
