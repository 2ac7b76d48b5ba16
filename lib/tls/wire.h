/* Where OpenSSL meets the descriptor: a BIO that receives and sends without signals and remembers
 * how that went. Of this room. */
#pragma once

#include <openssl/bio.h>
#include <stdbool.h>

/* What leaves by one call: several records, one behind the other. */
struct batch {
    size_t room, size, sent; /* of `bytes`; so many were gathered; of these so many have left */
    char bytes[];
};

struct wire {
    int fd;
    struct batch *batch; /* that is gathered, or has not left yet: all else goes behind it */
    bool gathers;        /* send: into the batch, which has room */
    int error;           /* of the last call that failed; 0: none did */
    bool patient; /* receive: the next one may wait, where the descriptor does; no further one */
    bool enough;  /* receive: none is wanted but what surely is there */
    bool drained; /* receive: the last one was short, so that there is nothing more */
    bool ended;   /* the peer has ended its side */
    bool more;    /* send: other bytes follow at once */
    bool full;    /* send: the last one found room for a part, and there is no more */
    bool begun;   /* something was received, and it began with ... */
    unsigned char first;
};

/* Makes the method; part of tls_init(). */
bool wire_init(void);

/* A BIO over the wire, which has to outlive it. NULL when out of memory. */
BIO *wire_bio(struct wire *wire);

struct wire *wire_of(BIO *bio);

/* A batch of this room, where there is none. False when out of memory. */
bool wire_begin(struct wire *wire, size_t room);

/* Sends what was gathered, or what is left of it, by one call. 0: all of it has left, and the batch
 * is gone. -EAGAIN: there is no room for more. Else -errno of the call. */
int wire_send(struct wire *wire);

/* Drops the batch. */
void wire_drop(struct wire *wire);
