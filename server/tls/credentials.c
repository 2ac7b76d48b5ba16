#include "server/tls/credentials.h"

#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- reading ---------------------------------------------------------------------------------- */

static bool read_file(struct tls_file *file, const char *option, const char *path,
                      enum tls_secrecy secrecy)
{
    char wrong[TLS_WRONG];
    if (!tls_file_read(file, path, secrecy, wrong)) {
        log_error("%s: %s", option, wrong);
        return false;
    }
    if (*wrong != '\0') {
        log_warn("%s: %s", option, wrong);
    }
    return true;
}

/* A key may stand in the file of its certificate, which is then to be kept as secret as a key. */
static bool read_key(struct tls_pair *pair, const struct certificate_option *option)
{
    static const char mark[] = "PRIVATE KEY-----";
    if (option->key != NULL) {
        return read_file(&pair->key, "--key", option->key, TLS_SECRET);
    }
    if (memmem(pair->chain.bytes, pair->chain.size, mark, sizeof(mark) - 1) == NULL) {
        log_error("--cert: %s: has no private key in it, and no --key was given for it",
                  option->cert);
        return false;
    }
    return read_file(&pair->key, "--cert", option->cert, TLS_SECRET);
}

static bool read_pair(struct tls_pair *pair, const struct certificate_option *option)
{
    return read_file(&pair->chain, "--cert", option->cert, TLS_PUBLIC) && read_key(pair, option) &&
           (option->ocsp == NULL || read_file(&pair->ocsp, "--ocsp", option->ocsp, TLS_PUBLIC));
}

static bool read_all(struct credentials *c, const struct server_options *options)
{
    c->oldest = options->tls_oldest;
    while (c->pair_count < options->certificate_count) {
        size_t i = c->pair_count++; /* what is read of it so far is freed with the others */
        if (!read_pair(&c->pairs[i], &options->certificates[i])) {
            return false;
        }
    }
    while (c->ticket_count < options->ticket_file_count) {
        size_t i = c->ticket_count++;
        if (!read_file(&c->ticket_keys[i], "--ticket-keys", options->ticket_files[i], TLS_SECRET)) {
            return false;
        }
    }
    return options->client_ca == NULL ||
           read_file(&c->client_ca, "--client-ca", options->client_ca, TLS_PUBLIC);
}

bool credentials_read(struct credentials *c, const struct server_options *options)
{
    *c = (struct credentials){0};
    bool read = read_all(c, options);
    if (!read) {
        credentials_free(c);
    }
    return read;
}

void credentials_free(struct credentials *c)
{
    for (size_t i = 0; i < c->pair_count; i++) {
        tls_file_free(&c->pairs[i].chain);
        tls_file_free(&c->pairs[i].key);
        tls_file_free(&c->pairs[i].ocsp);
    }
    for (size_t i = 0; i < c->ticket_count; i++) {
        tls_file_free(&c->ticket_keys[i]);
    }
    tls_file_free(&c->client_ca);
    *c = (struct credentials){0};
}

/* --- packing ---------------------------------------------------------------------------------- */

/* A file after the other, each behind one of these; a chain begins a pair. */
enum part_kind {
    PART_CHAIN,
    PART_KEY,
    PART_OCSP,
    PART_CLIENT_CA,
    PART_TICKET_KEYS,
    PART_OLDEST, /* no file: `size` is the version */
};

struct part {
    uint32_t kind;
    uint32_t size;
};

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bool write_file(int fd, enum part_kind kind, const struct tls_file *file)
{
    const struct part part = {kind, (uint32_t)file->size};
    return file->bytes == NULL || (write_all(fd, (const char *)&part, sizeof(part)) &&
                                   write_all(fd, file->bytes, file->size));
}

static bool write_parts(int fd, const struct credentials *c)
{
    const struct part oldest = {PART_OLDEST, c->oldest};
    bool written = write_all(fd, (const char *)&oldest, sizeof(oldest)) &&
                   write_file(fd, PART_CLIENT_CA, &c->client_ca);
    for (size_t i = 0; written && i < c->pair_count; i++) {
        written = write_file(fd, PART_CHAIN, &c->pairs[i].chain) &&
                  write_file(fd, PART_KEY, &c->pairs[i].key) &&
                  write_file(fd, PART_OCSP, &c->pairs[i].ocsp);
    }
    for (size_t i = 0; written && i < c->ticket_count; i++) {
        written = write_file(fd, PART_TICKET_KEYS, &c->ticket_keys[i]);
    }
    return written;
}

int credentials_pack(const struct credentials *c)
{
    int fd = memfd_create("credentials", MFD_CLOEXEC);
    if (fd < 0 || write_parts(fd, c)) {
        return fd < 0 ? -errno : fd;
    }
    int error = -errno;
    close(fd);
    return error;
}

/* Where the bytes of a part belong; NULL: nowhere, or there is no room. */
static struct tls_file *place_of(struct credentials *c, uint32_t kind)
{
    bool has_pair = c->pair_count > 0;
    switch (kind) {
    case PART_CHAIN:
        return c->pair_count < CERTIFICATES_MAX ? &c->pairs[c->pair_count++].chain : NULL;
    case PART_KEY:
        return has_pair ? &c->pairs[c->pair_count - 1].key : NULL;
    case PART_OCSP:
        return has_pair ? &c->pairs[c->pair_count - 1].ocsp : NULL;
    case PART_CLIENT_CA:
        return &c->client_ca;
    case PART_TICKET_KEYS:
        return c->ticket_count < TICKET_FILES_MAX ? &c->ticket_keys[c->ticket_count++] : NULL;
    default:
        return NULL;
    }
}

/* Takes one part off the front of `bytes`; how long it was, 0 when it makes no sense. */
static size_t take_part(struct credentials *c, const char *bytes, size_t size)
{
    struct part part;
    if (size < sizeof(part)) {
        return 0;
    }
    memcpy(&part, bytes, sizeof(part));
    if (part.kind == PART_OLDEST) {
        c->oldest = (enum tls_version)part.size;
        return sizeof(part);
    }
    struct tls_file *file = part.size <= size - sizeof(part) ? place_of(c, part.kind) : NULL;
    if (file == NULL || (file->bytes = malloc(part.size)) == NULL) {
        return 0;
    }
    file->name = "from the parent";
    file->size = part.size;
    memcpy(file->bytes, bytes + sizeof(part), part.size);
    return sizeof(part) + part.size;
}

static bool take_parts(struct credentials *c, const char *bytes, size_t size)
{
    while (size > 0) {
        size_t taken = take_part(c, bytes, size);
        if (taken == 0) {
            return false;
        }
        bytes += taken;
        size -= taken;
    }
    return true;
}

bool credentials_unpack(struct credentials *c, int fd)
{
    struct stat status;
    *c = (struct credentials){0};
    if (fstat(fd, &status) < 0) {
        return false;
    }
    size_t size = (size_t)status.st_size;
    char *bytes = malloc(size);
    bool taken =
        bytes != NULL && pread(fd, bytes, size, 0) == (ssize_t)size && take_parts(c, bytes, size);
    if (bytes != NULL) {
        explicit_bzero(bytes, size);
        free(bytes);
    }
    if (!taken) {
        credentials_free(c);
    }
    return taken;
}
