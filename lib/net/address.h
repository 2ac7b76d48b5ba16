/* Socket addresses as people write them: HOST:PORT, [V6]:PORT, unix:PATH. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } at;
};

enum {
    ADDRESS_TEXT = 128
};

/* Reads one. HOST is a dotted IPv4 address or a name (getaddrinfo: blocks; the first IPv4 address
 * found is taken, else the first of all), empty or "*" for every IPv4 address; "[::]" is every IPv6
 * address; "localhost" is 127.0.0.1 without asking (RFC 6761 6.3). PORT is 0..65535.
 *
 * Returns NULL when fine, otherwise what was wrong ("has no port", "names no host: ..."), in static
 * storage of the calling thread; *address is then untouched. */
const char *address_read(const char *text, struct address *address);

/* Writes it as it is read, with numbers only: "127.0.0.1:80", "[::1]:80", "unix:/run/x". Returns
 * `to` (ADDRESS_TEXT bytes). */
char *address_write(char *to, const struct address *address);

/* Whether only this machine can reach it: 127.0.0.0/8, ::1, unix. */
bool address_is_loopback(const struct address *address);

bool address_is_unix(const struct address *address);
unsigned address_port(const struct address *address);          /* 0 for unix */
void address_set_port(struct address *address, unsigned port); /* nothing for unix */
