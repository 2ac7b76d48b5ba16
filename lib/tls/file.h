/* Certificates, keys and the like as the bytes of their files, so that one process can read them
 * and another, which may open nothing, can use them. */
#pragma once

#include "lib/tls/init.h"

#include <stddef.h>

struct tls_file {
    const char *name; /* what messages call it: its path */
    char *bytes;      /* NULL: there is none. Owned by whoever made the struct */
    size_t size;
};

enum tls_secrecy {
    TLS_PUBLIC,
    TLS_SECRET, /* a key: nobody else is to read it */
};

/* Reads a file whole, of at most a megabyte. *file then owns its bytes, and borrows `path`.
 *
 * A secret that everybody may read is refused, since it must be taken for stolen. One that a group
 * may read is taken, with a warning: that is how Debian gives keys to several services (ssl-cert).
 *
 * True: `wrong` is empty or holds the warning. False: it says what is wrong and names the file. */
bool tls_file_read(struct tls_file *file, const char *path, enum tls_secrecy secrecy,
                   char wrong[TLS_WRONG]);

/* Wipes the bytes and frees them. The zero value is fine. */
void tls_file_free(struct tls_file *file);

/* A certificate with those that lead to its authority, and its key: PEM text. The first certificate
 * is the one that is for the key; both may be in one file. */
struct tls_pair {
    struct tls_file chain;
    struct tls_file key;
    struct tls_file
        ocsp; /* the authority's word on it, DER (RFC 6960); no bytes: none is stapled */
};
