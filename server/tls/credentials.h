/* What the options name for TLS, as the bytes of its files: certificates, keys, authorities of
 * clients. The parent reads them, for it may; the child, which may open nothing, is given them. */
#pragma once

#include "lib/tls/server.h"
#include "server/options.h"

struct credentials {
    struct tls_pair pairs[CERTIFICATES_MAX];
    size_t pair_count;
    struct tls_file client_ca; /* no bytes: clients are not asked for a certificate */
    struct tls_file ticket_keys[TICKET_FILES_MAX];
    size_t ticket_count; /* 0: random ones */
    enum tls_version oldest;
};

/* Reads all files that the options name. False after log_error(), which names option and file;
 * warns of what looks odd. The zero value of `pairs` when no certificate is named. */
bool credentials_read(struct credentials *credentials, const struct server_options *options);

/* Wipes the bytes of all files and frees them. The zero value is fine. */
void credentials_free(struct credentials *credentials);

/* Puts them into memory that has a descriptor and no name (memfd_create(2)), and takes them out
 * again. The descriptor, or -errno; false when out of memory. The caller closes it: with the last
 * descriptor the memory is gone. */
int credentials_pack(const struct credentials *credentials);
bool credentials_unpack(struct credentials *credentials, int fd);
