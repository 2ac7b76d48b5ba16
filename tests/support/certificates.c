/* certificates FOLDER: fills a folder with certificates of all kinds, for tests of the programs;
 * certificates.py names them. */
#include "tests/support/authority.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void write_file(const char *folder, const char *name, const char *end, const char *bytes,
                       size_t size)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s%s", folder, name, end);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) {
        perror(path);
        exit(1);
    }
    close(fd);
}

static void write_pair(const char *folder, const char *name, const struct tls_pair *pair)
{
    write_file(folder, name, ".pem", pair->chain.bytes, pair->chain.size);
    write_file(folder, name, ".key", pair->key.bytes, pair->key.size);
}

static void issue_all(const char *folder, struct authority *authority, bool is_known)
{
#define HERE "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:server.test,DNS:*.wild.test"
#define CRL "URI:http://localhost/ca.crl"
    enum {
        DAY_S = 24 * 3600
    };
    static const struct {
        const char *file;
        bool is_known; /* which authority signs it */
        struct wish wish;
    } all[] = {
        {"server", true, {.name = "server", .alt_names = HERE}},
        {"rsa", true, {.name = "rsa", .alt_names = HERE, .rsa = true}},
        {"second", true, {.name = "second", .alt_names = "DNS:second.test"}},
        {"elsewhere", true, {.name = "elsewhere", .alt_names = "DNS:elsewhere.test"}},
        {"expired",
         true,
         {.name = "expired", .alt_names = HERE, .begins_s = -9 * DAY_S, .ends_s = -2 * DAY_S}},
        {"early", true, {.name = "early", .alt_names = HERE, .begins_s = 2 * DAY_S}},
        {"encrypted", true, {.name = "encrypted", .alt_names = HERE, .password = "secret"}},
        {"client", true, {.name = "client"}},
        {"published", true, {.name = "localhost", .alt_names = HERE, .crl = CRL}},
        {"published-rsa", true, {.name = "localhost", .alt_names = HERE, .rsa = true, .crl = CRL}},
        {"unknown", false, {.name = "unknown", .alt_names = HERE}},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].is_known == is_known) {
            struct tls_pair pair = authority_issue(authority, &all[i].wish);
            write_pair(folder, all[i].file, &pair);
            if (i == 0) {
                pair.ocsp = authority_vouch(authority, &pair, true, 0);
                write_file(folder, "server", ".ocsp", pair.ocsp.bytes, pair.ocsp.size);
            }
            authority_free_pair(&pair);
        }
    }
}

static void write_keys(const char *folder, const char *name, size_t size)
{
    unsigned char keys[80];
    if (RAND_bytes(keys, (int)size) != 1) {
        exit(1);
    }
    write_file(folder, name, ".bin", (const char *)keys, size);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fputs("usage: certificates FOLDER\n", stderr);
        return 2;
    }
    for (int known = 0; known < 2; known++) {
        struct authority *authority = authority_create(known ? "Test authority" : "Another");
        struct tls_file own = authority_file(authority);
        write_file(arguments[1], known ? "ca" : "other-ca", ".pem", own.bytes, own.size);
        issue_all(arguments[1], authority, known);
        tls_file_free(&own);
        authority_destroy(authority);
    }
    write_keys(arguments[1], "tickets", 80);
    write_keys(arguments[1], "other-tickets", 48);
    return 0;
}
