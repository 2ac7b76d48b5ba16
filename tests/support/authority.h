/* An authority that lives as long as a test, and certificates of all kinds that it signs. */
#pragma once

#include "lib/tls/file.h"

struct authority;

struct authority *authority_create(const char *name);
void authority_destroy(struct authority *authority);

/* Its own certificate; tls_file_free() it. */
struct tls_file authority_file(const struct authority *authority);

/* What to sign. Zero means what most want: good from an hour ago for 90 days, ECDSA. */
struct wish {
    const char *name;      /* CN; NULL: none */
    const char *alt_names; /* as in openssl.cnf: "DNS:a.test,IP:127.0.0.1"; NULL: none */
    long begins_s, ends_s; /* from now */
    bool rsa;
    const char *password; /* of the key; NULL: in the clear */
    const char *crl;      /* "URI:...", where what is revoked is told; its key signs alone then */
};

/* A pair signed by it; free both files. A test that cannot have it is aborted. */
struct tls_pair authority_issue(struct authority *authority, const struct wish *wish);

/* Its word on the certificate of this pair, DER: that it is good, or revoked. Zero `ends_s` is a
 * day from now. */
struct tls_file authority_vouch(struct authority *authority, const struct tls_pair *pair, bool good,
                                long ends_s);

void authority_free_pair(struct tls_pair *pair);
