/* Listening sockets that this process did not open itself: from the one that it succeeds, or from a
 * supervisor that opened them for it (systemd's socket activation, sd_listen_fds(3)). They come by
 * number, and the environment tells of them. At start-up, from one thread. */
#pragma once

#include "lib/net/address.h"

struct inherited {
    int fd;         /* -1: it was taken */
    unsigned group; /* those of one listener have the same number */
    struct address
        asked; /* as the predecessor was asked to listen; a supervisor's: where it does */
    bool lent; /* the supervisor keeps it */
    bool tls;  /* what is spoken there: as the predecessor was asked to; a supervisor's: TLS, if its
                  name (FileDescriptorName=) is "tls" or "https" */
};

/* What the environment tells of, *count of them, in memory that the caller frees; and makes the
 * environment forget it. False after log_error(): something there is no listening socket. */
bool inherited_take(struct inherited **sockets, unsigned *count);

/* How many there will be, at the most. Before inherited_take(). */
unsigned inherited_count(void);

/* Whether any of them is for TLS. Before inherited_take(). */
bool inherited_has_tls(void);

/* The value of INHERITED_VARIABLE that tells of these sockets, freed by the caller, or NULL when
 * out of memory. */
#define INHERITED_VARIABLE "CRISTO_LISTENERS"
char *inherited_write(const struct inherited *sockets, unsigned count);
