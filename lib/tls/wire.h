/* Where OpenSSL meets the descriptor: a BIO that receives and sends without signals and remembers
 * how that went. Of this room. */
#pragma once

#include <openssl/bio.h>
#include <stdbool.h>

/* What was encrypted and has not left yet: of records that leave by one call, or of one that found
 * too little room. All else goes behind it. */
struct batch {
    size_t room;       /* of `bytes` */
    size_t begin, end; /* where those lie that have not left */
    size_t sent;       /* so many have */
    char bytes[];
};

struct wire {
    int fd;
    struct batch *batch; /* NULL: all has left */
    bool gathers;        /* send: into the batch, as far as it has room */
    bool keeps;          /* send: what finds no room goes into a batch, and is taken for sent */
    int full;     /* send: why the last one left something, EAGAIN or EINTR; no other is tried */
    int error;    /* of the last call that failed; 0: none did */
    bool patient; /* receive: the next one may wait, where the descriptor does; no further one */
    bool enough;  /* receive: none is wanted but what surely is there */
    bool drained; /* receive: the last one was short, so that there is nothing more */
    bool ended;   /* the peer has ended its side */
    bool more;    /* send: other bytes follow at once */
    bool begun;   /* something was received, and it began with ... */
    unsigned char first;
};

/* Makes the method; part of tls_init(). */
bool wire_init(void);

/* A BIO over the wire, which has to outlive it. NULL when out of memory. */
BIO *wire_bio(struct wire *wire);

struct wire *wire_of(BIO *bio);

/* Begins a batch of this room, where there is none. False when out of memory. */
bool wire_begin(struct wire *wire, size_t room);

/* Sends the batch, by one call. 0: all of it has left, and there is none any more; -errno, of which
 * -EAGAIN and -EINTR leave some of it. */
int wire_send(struct wire *wire);

/* Drops the batch. */
void wire_drop(struct wire *wire);
