/* What the two bare servers and the bare requester share: an IPv4 address, a listening socket and
 * the one reply that a bare server gives to whatever it is sent.
 *
 * The bare programs show what a machine can do when a server only moves bytes: they parse nothing
 * that they can avoid to parse, trust whoever connects, and end with a message and status 1 when a
 * system call fails that should not: a limit that had to cope would be no limit. They use nothing
 * of lib/, so that what they are compared with cannot slow them down as well. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A reply that is the same for every request: first the bytes in memory, then those of the file. */
struct bare_reply {
    char *memory; /* the head; with it the body, unless that is sent from the file */
    size_t memory_length;
    int file; /* -1: all of it is in memory */
    uint64_t length;
};

/* "127.0.0.1:8080"; ends the program when it is not of that form. */
struct sockaddr_in bare_address(const char *text);

/* Raises the soft descriptor limit to the hard one, at most to a million; returns what is in force,
 * so that tables can be indexed by descriptor. */
size_t bare_raise_descriptors(void);

/* Reads a server's command line, "[--listen HOST:PORT] FILE", takes the file as its reply, listens,
 * and prints "listening on http://HOST:PORT/ (MODEL)" when connections can come. Accepted sockets
 * inherit TCP_NODELAY. SIGTERM and SIGINT end the program with status 0 from then on. Returns the
 * listening socket, non-blocking when asked. */
int bare_server_start(int argc, char **argv, const char *model, bool nonblocking,
                      struct bare_reply *reply);

/* Sends some of the reply, from byte `from` on (below `length`), by one system call: as much as the
 * socket takes of the memory, or of a slice of the file. Returns the number of bytes sent, at least
 * 1, or -1 with errno; never raises SIGPIPE. Any thread. */
ssize_t bare_reply_send(const struct bare_reply *reply, int socket, uint64_t from);
