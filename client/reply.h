/* One reply, read from bytes as they come: interim heads, the head, and a body whose end is found
 * by RFC 9112 6.3. Pure: no system call, no allocation, no clock. */
#pragma once

#include "lib/base/digest.h"
#include "lib/http/bytes.h"
#include "lib/http/chunked.h"
#include "lib/http/request.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    REPLY_HEAD_MAX = 16 * 1024, /* bytes in a head */
    REPLY_FIELDS_MAX = 256,     /* field lines in a head */
    REPLY_MEMORY_MAX = 1024,    /* bytes in a head that is remembered */
};

enum reply_phase {
    REPLY_HEAD,
    REPLY_LENGTH,      /* `left` bytes of body are still to come */
    REPLY_CHUNKED,     /* `chunked` knows */
    REPLY_UNTIL_CLOSE, /* the end of the connection ends the body */
};

/* All zero before its first byte. What follows `left` is known once the head is. */
struct reply {
    enum reply_phase phase;
    uint64_t left;
    struct chunked chunked;

    unsigned status;
    bool persists;     /* the connection may be used again */
    bool closes;       /* it may not, and the server has said so: it carries out no other request */
    bool has_delay;    /* there was a Delay field, and it said: */
    uint64_t delay_ns; /* how long the server waited on purpose */
    size_t head_size;
    uint64_t body; /* bytes of content so far, without chunk framing */
};

enum reply_outcome {
    REPLY_MORE,     /* what was not used is to be shown again, with what follows */
    REPLY_COMPLETE, /* the reply is over */
    REPLY_BROKEN,   /* it breaks the protocol: *why, a static phrase */
};

/* The head that was read last, and what it came to. A server under load sends the same head again
 * and again, but for its date once a second; and the same bytes need not be read twice. All zero:
 * none. It serves replies to requests of one method. */
struct reply_memory {
    size_t size; /* 0: none */
    enum reply_outcome outcome;
    struct reply reply;
    char head[REPLY_MEMORY_MAX];
};

/* Reads on in `text`, the bytes that follow those used so far; `to` is the method of the request.
 * *used counts the bytes that are done with: all that belong to the reply, but for a head in
 * pieces, which is only ever used whole. Content goes into `content` too, which begins anew with
 * each head; NULL: nobody asks what it was. */
enum reply_outcome reply_read(struct reply *reply, struct reply_memory *memory, enum method to,
                              struct bytes text, struct digest *content, size_t *used,
                              const char **why);

/* How many of the bytes that follow are content, which need not be seen unless it is digested;
 * UINT64_MAX: all until the connection ends. */
uint64_t reply_unseen(const struct reply *reply);

/* Passes over `count` of these. REPLY_MORE or REPLY_COMPLETE. */
enum reply_outcome reply_pass(struct reply *reply, uint64_t count);

/* The connection has ended. REPLY_COMPLETE or REPLY_BROKEN. */
enum reply_outcome reply_end(const struct reply *reply, const char **why);
