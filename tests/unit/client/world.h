/* A world for one session of a client: the server is a script, the clock a number. What a session
 * may not do is asserted at every step, and its books when it has finished. */
#pragma once

#include "client/session.h"
#include "tests/support/guard.h"
#include "tests/support/suite.h"

#define HEAD "HTTP/1.1 200 OK\r\n"
#define REQUEST "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define OK_SIZE (sizeof(OK) - 1)

enum {
    REPLIES_MOST = 8,
    STEPS_MOST = 200000,
    VERDICTS_MOST = 64,
    LATENCY = 1000, /* ns from a request to its reply's first piece */
};

/* How a connection behaves when its replies are used up. */
enum manner {
    STAYS, /* says nothing more */
    CLOSES,
    RESETS,
    CUTS,   /* closes, but TLS has no end */
    BREAKS, /* TLS fails */
};

/* What comes of a handshake that is not done, where it is not an errno. */
enum {
    HANDSHAKE_NEVER = -1,
    HANDSHAKE_REFUSED = -2,
};

/* One connection as the server holds it: a reply for every request that has come whole. */
struct script {
    int connect_error;   /* 0: connects; -1: never decided */
    int handshake_error; /* 0: it is done */
    const char *replies[REPLIES_MOST];
    enum manner then;
    size_t deaf_after;   /* 0: never; sending fails with EPIPE after so many requests */
    const char *unasked; /* what it says when it finds itself idle; NULL: nothing */
};

/* A world for one session. */
struct world {
    struct plan plan;
    struct course course;
    struct gauge gauge;
    struct pulse pulse;
    _Atomic uint64_t specimens[2];
    struct tally *tally;
    struct tally *warmup;
    struct flight flights[64];
    struct reply_memory memory;
    struct guard scratch_guard;
    struct guard room_guard;
    struct session session;
    uint64_t rank; /* the session's */

    struct script script[8]; /* of the first connections; the last one again and again */
    size_t script_count;
    size_t slice; /* bytes that a call receives at most; 0: as many as asked for */
    size_t bite;  /* bytes that a call sends at most; 0: all */
    uint64_t handshake_takes_ns;
    bool resumes; /* every handshake but the first */
    uint64_t send_takes_ns;
    uint64_t receive_takes_ns;
    size_t stall_at; /* the read with this number, from 1, takes so much longer */
    uint64_t stall_ns;
    uint64_t oversleep_ns; /* a wait ends so much after its moment */

    uint64_t now;
    size_t connections; /* made so far */
    bool connected;
    size_t handshakes;                /* done so far */
    bool shaken;                      /* on this connection */
    char why[32];                     /* as TLS has failed on it; gone with it */
    const struct origin *origin;      /* of the last connection */
    const struct address *sources[8]; /* of the first connections */
    size_t received;                  /* bytes of requests that came on this connection */
    size_t reply;                     /* which reply of the script is being sent */
    size_t at;                        /* and how far */
    bool spoke;                       /* unasked, on this connection */

    size_t sends, reads, discards, closes, waits; /* steps taken */
    size_t requests;                              /* bytes sent on all connections */
    uint64_t waited_ns;                           /* in WAIT steps */
    uint64_t finished_ns;
    struct verdict verdicts[VERDICTS_MOST];
    size_t verdict_count;
};

#define REFUSED "refused by the world"

extern const struct origin world_origins[2];

/* A server of one URL, and a plan of so many requests, that a test may change before it begins. */
struct world *world_create(uint64_t requests);
void world_destroy(struct world *w);

/* Its URL is an https one instead. */
void world_secure(struct world *w);

/* How the next connection behaves; the last one that was told of, and all that follow it. */
void world_script(struct world *w, struct script script);

/* The course begins, and the session is there for its first step. */
void world_begin(struct world *w);
/* What comes of a step in this world. */
struct outcome world_take(struct world *w, const struct step *step);
/* Both, from the first step to STEP_FINISHED. */
void world_run(struct world *w);
