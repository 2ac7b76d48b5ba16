#include "lib/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    HOST_TEXT = 256 /* a DNS name has at most 253 characters */
};

static const char *read_unix(const char *path, struct address *address)
{
    size_t length = strlen(path);
    struct address local = {.at.local.sun_family = AF_UNIX};
    if (length == 0) {
        return "names no path";
    }
    if (length >= sizeof local.at.local.sun_path) {
        return "has a path of more than 107 bytes, the most that a unix socket can have";
    }
    memcpy(local.at.local.sun_path, path, length + 1);
    local.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    *address = local;
    return NULL;
}

/* Digits alone, 0..65535. */
static bool read_port(const char *text, unsigned *port)
{
    unsigned value = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 5 || text[length] != '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        value = 10 * value + (unsigned)(*text - '0');
    }
    *port = value;
    return value <= UINT16_MAX;
}

static void adopt(struct address *address, const struct addrinfo *found)
{
    *address = (struct address){.size = found->ai_addrlen};
    memcpy(&address->at, found->ai_addr, found->ai_addrlen);
}

/* IPv4 goes first: where a name has both, as localhost often does, a server that was told nothing
 * listens on IPv4. */
static const struct addrinfo *prefer_v4(const struct addrinfo *list)
{
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        if (at->ai_family == AF_INET) {
            return at;
        }
    }
    return list;
}

static const char *resolve(const char *host, int family, int flags, struct address *address)
{
    static _Thread_local char wrong[128];
    struct addrinfo hints = {.ai_family = family, .ai_flags = flags, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int error = getaddrinfo(host, NULL, &hints, &list);
    if (error != 0) {
        snprintf(wrong, sizeof wrong, "names no host: %s",
                 error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return wrong;
    }
    adopt(address, prefer_v4(list));
    freeaddrinfo(list);
    return NULL;
}

static const char *adopt_v4(struct address *address, in_addr_t host)
{
    *address = (struct address){.size = sizeof address->at.v4};
    address->at.v4.sin_family = AF_INET;
    address->at.v4.sin_addr.s_addr = htonl(host);
    return NULL;
}

static const char *read_host(const char *host, bool bracketed, struct address *address)
{
    if (bracketed) {
        return resolve(host, AF_INET6, AI_NUMERICHOST, address);
    }
    if (*host == '\0' || strcmp(host, "*") == 0) {
        return adopt_v4(address, INADDR_ANY);
    }
    if (strcasecmp(host, "localhost") == 0) {
        /* RFC 6761 6.3: always loopback, and no question for a resolver */
        return adopt_v4(address, INADDR_LOOPBACK);
    }
    if (strchr(host, ':') != NULL) {
        return "is not HOST:PORT (an IPv6 address needs brackets: [::1]:8080)";
    }
    return resolve(host, AF_UNSPEC, 0, address);
}

const char *address_read(const char *text, struct address *address)
{
    if (strncmp(text, "unix:", 5) == 0) {
        return read_unix(text + 5, address);
    }
    /* 1. the port follows the last colon outside of brackets */
    bool bracketed = *text == '[';
    const char *close = bracketed ? strchr(text, ']') : NULL;
    if (bracketed && close == NULL) {
        return "has a [ without its ]";
    }
    const char *colon = strrchr(bracketed ? close : text, ':');
    if (colon == NULL) {
        return "has no port";
    }
    if (bracketed && colon != close + 1) {
        return "has something between ] and its port";
    }
    unsigned port;
    if (!read_port(colon + 1, &port)) {
        return "has a port that is not 0..65535";
    }
    /* 2. the host stands before it */
    char host[HOST_TEXT];
    const char *begin = bracketed ? text + 1 : text;
    size_t length = (size_t)((bracketed ? close : colon) - begin);
    if (length >= sizeof host) {
        return "has a host name of more than 255 bytes";
    }
    memcpy(host, begin, length);
    host[length] = '\0';
    struct address found;
    const char *wrong = read_host(host, bracketed, &found);
    if (wrong == NULL) {
        address_set_port(&found, port);
        *address = found;
    }
    return wrong;
}

char *address_write(char *to, const struct address *address)
{
    char host[ADDRESS_TEXT - sizeof "[]:65535" + 1];
    if (address_is_unix(address)) {
        /* sun_path need not end in a NUL when the kernel filled it in */
        size_t head = offsetof(struct sockaddr_un, sun_path);
        size_t room = address->size > head ? address->size - head : 0;
        int length = (int)strnlen(address->at.local.sun_path, room);
        snprintf(to, ADDRESS_TEXT, "unix:%.*s", length, address->at.local.sun_path);
        return to;
    }
    if (getnameinfo(&address->at.any, address->size, host, sizeof host, NULL, 0, NI_NUMERICHOST) !=
        0) {
        snprintf(host, sizeof host, "?");
    }
    bool v6 = address->at.any.sa_family == AF_INET6;
    snprintf(to, ADDRESS_TEXT, v6 ? "[%s]:%u" : "%s:%u", host, address_port(address));
    return to;
}

bool address_is_loopback(const struct address *address)
{
    switch (address->at.any.sa_family) {
    case AF_INET:
        return ntohl(address->at.v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address->at.v6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&address->at.v6.sin6_addr) &&
                address->at.v6.sin6_addr.s6_addr[12] == 127);
    default:
        return address_is_unix(address);
    }
}

bool address_is_unix(const struct address *address)
{
    return address->at.any.sa_family == AF_UNIX;
}

unsigned address_port(const struct address *address)
{
    switch (address->at.any.sa_family) {
    case AF_INET:
        return ntohs(address->at.v4.sin_port);
    case AF_INET6:
        return ntohs(address->at.v6.sin6_port);
    default:
        return 0;
    }
}

void address_set_port(struct address *address, unsigned port)
{
    if (address->at.any.sa_family == AF_INET) {
        address->at.v4.sin_port = htons((uint16_t)port);
    } else if (address->at.any.sa_family == AF_INET6) {
        address->at.v6.sin6_port = htons((uint16_t)port);
    }
}
