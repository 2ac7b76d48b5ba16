/* One connection's conversation, without I/O.
 *
 * A session is asked again and again for its next step, and told what came of the last one. It
 * decides everything: what is read and answered, how long anything may take, when to close. Whoever
 * asks carries the steps out, by waiting in them (sync/serve.c) or by coming back to them
 * (async/serve.c), and decides nothing. It touches no socket, file, clock or event loop; a test
 * drives it by bytes and outcomes alone. One thread at a time. */
#pragma once

#include "lib/http/chunked.h"
#include "lib/http/date.h"
#include "lib/http/framing.h"
#include "server/answer.h"
#include "server/ledger/ledger.h"
#include "server/store/load.h"

#include <sys/uio.h>

enum step_kind {
    STEP_HANDSHAKE, /* of the carrier beneath the stream (TLS): the first step where there is one */
    STEP_READ,      /* receive into session_space(); too late is only what is not here by now */
    STEP_FETCH,     /* look *fetch up: fetch_recall(), else fetch_open() and fetch_keep() */
    STEP_LOAD,      /* have the slice *load at hand, so that it can be sent: load_leave(), or
                       load_recall(), else load_read() */
    STEP_WAIT,      /* until until_ns */
    STEP_WORK,      /* call work.call(work.argument) */
    STEP_SEND,      /* send.pieces, then send.size bytes of send.file */
    STEP_CLOSE,     /* the conversation is over; nobody waits longer than until_ns for its end */
};

/* Why something is waited for. Waits of one kind come with deadlines in the order of their
 * beginning, so that a list of each kind is a list ordered by time. */
enum patience {
    PATIENCE_HANDSHAKE,
    PATIENCE_IDLE,  /* for a request */
    PATIENCE_DRAIN, /* for a last one, after the server was asked to stop */
    PATIENCE_HEAD,  /* for the remainder of a head */
    PATIENCE_BODY,  /* for more of a request body */
    PATIENCE_SEND,  /* for the client to take more of a reply */
    PATIENCE_LINGER,
    PATIENCE_KINDS,
};

struct step {
    enum step_kind kind;
    enum patience patience; /* HANDSHAKE, READ, SEND, CLOSE; LOAD: of the SEND to come, should room
                               for it be waited for first */
    uint64_t until_ns;      /* the same, and WAIT: give up, or go on, at this moment */
    union {
        struct fetch *fetch;
        struct load *load;
        struct {
            const struct iovec *pieces;
            int count;
            struct file *file; /* NULL: none; else the slice that was loaded last */
            uint64_t offset;
            size_t size; /* at most SEND_SLICE */
        } send;
        struct {
            void (*call)(void *);
            void *argument;
        } work;
        struct {
            bool whole;  /* all that was begun has been sent: say that it is the end */
            bool linger; /* end our side, then drop what the client still sends until it closes */
        } close;
    };
};

/* Just below 256 KB: four whole segments on loopback (an MTU of 65,536 less the headers). A runt
 * after each slice would cost a fifth more there; elsewhere segments are small enough for it not to
 * matter.
 */
enum {
    SEND_SLICE = 4 * 65483
};

/* What came of a step. */
struct outcome {
    enum {
        CAME_DONE,      /* as asked; READ and SEND: `bytes`, at least 1 */
        CAME_PLAIN,     /* HANDSHAKE: the client speaks plain HTTP, and what is sent from now on is
                           plain. Needs an exchange */
        CAME_REFUSED,   /* HANDSHAKE: the client was told so by an alert, which what it has still to
                           say must not reset away: the stream is plain now */
        CAME_UNCHANGED, /* nothing yet, before the deadline: be asked again; LOAD: room was waited
                           for, and the slice not looked at */
        CAME_ENDED,     /* HANDSHAKE, READ: the client has ended its side */
        CAME_COLD,      /* FETCH with warm_only: not in memory */
        CAME_TIMED_OUT, /* HANDSHAKE, READ, LOAD, SEND: the deadline passed, or had when it was
                           asked for; LOAD, SEND: `bytes` that were sent before are not yet taken by
                           the client's system */
        CAME_DRAINING,  /* HANDSHAKE, READ: nothing yet, and the server was asked to stop: be asked
                           again, for  a request on its way is still waited for a moment */
        CAME_FAILED,    /* the connection, or the file, is no more, or cannot be waited for */
    } kind;
    size_t bytes;
};

/* The moment at which something came. */
struct moment {
    uint64_t now_ns;  /* monotonic */
    int64_t wall_s;   /* since 1970 */
    const char *date; /* wall_s as DATE_SIZE bytes */
};

enum {
    BATCH_REPLIES = 16,
    BATCH_PIECES = 2 * BATCH_REPLIES + 1, /* the last for a slice that was read into memory */
    BATCH_TEXT = 4096,
    BATCH_SPARE = 3072, /* of text: enough for any one reply but a long Location */
    PART_SPARE =
        MULTIPART_TEXT_ROOM + 320, /* of text: enough for any part's, its Content-Type too */
};

/* What is remembered of a queued reply until it has left, for the ledger. Of the bytes queued since
 * the queue was empty, those from `from` on are its head, and those from `body` on its body. */
struct note {
    uint64_t begun_ns; /* when the first byte of its request came */
    uint64_t from, body;
    struct bytes text[RECORD_TEXTS]; /* in the input */
    uint32_t number;
    uint16_t status;
    uint8_t method;
    uint8_t minor;
    bool was_request; /* not a refusal of what could not be read as one */
};

/* What a connection needs while bytes are in flight, and only then: lent by the model, which takes
 * it back when the session is at rest. */
struct exchange {
    struct exchange *next; /* the lender's: in its list of spare ones */

    /* Input: [begin, end) of `room` is not yet used. */
    size_t capacity;
    size_t begin, end;
    size_t head_end;   /* of the request being answered */
    uint64_t came_ns;  /* when the last of them came */
    uint64_t begun_ns; /* when the first byte of the head that is next or being read came */

    /* The request being answered; its views point into the input. */
    struct request request;
    struct framing framing;
    struct chunked chunked;
    uint64_t body_left;    /* FRAMING_LENGTH: bytes of the body still to come */
    uint64_t body_dropped; /* FRAMING_CHUNKED: so far, against limits.body */
    bool persists;
    bool speaks_1_0;
    bool delayed;
    uint64_t delay_ns;
    struct answer answer;
    struct fetch fetch;

    /* The replies that leave next, in order: pieces of memory, then a slice of one file. */
    struct iovec pieces[BATCH_PIECES];
    int piece_first, piece_end;
    struct file *held[BATCH_REPLIES]; /* references to what the pieces point into */
    unsigned replies;
    struct file *body;       /* one of `held`, sent from its descriptor */
    struct slice body_slice; /* what is left of it, the pieces aside */
    struct load load;        /* the slice of it that leaves next; its memory is the last piece */
    uint64_t asked_ns;       /* when that was asked for */
    char *spent;             /* memory of a slice that has left; NULL: none */
    bool in_parts; /* the last of the replies comes in parts: answer.multipart, and `part` is next
                    */
    size_t part;
    uint64_t queued, sent; /* bytes of pieces, and of all that has left, since it was empty */
    unsigned recorded;     /* of the replies: the ledger knows that they have left */
    struct note notes[BATCH_REPLIES];

    /* Against those who are too slow. The rate is judged over a span of the timeout at a time. */
    uint64_t judged_ns; /* when it was last, or the reply or the body began */
    uint64_t fed;       /* bytes of a request body since */
    size_t unsent; /* what the last look at it found, and what was sent since; SIZE_MAX: none yet */

    char text[BATCH_TEXT]; /* heads and pages that were not ready-made */
    size_t text_used;

    char room[]; /* `capacity` bytes of input, then as many and 16 for a path */
};

/* Bytes of an exchange that takes heads of up to `capacity` bytes. */
static inline size_t exchange_size(size_t capacity)
{
    return sizeof(struct exchange) + capacity + ANSWER_ROOM(capacity);
}

/* Prepares memory of exchange_size(capacity) bytes. */
void exchange_init(struct exchange *exchange, size_t capacity);

/* The least that an exchange of this site has to take. */
size_t exchange_capacity(const struct site *site);

struct session {
    struct site *site;
    struct ledger *ledger;     /* where the thread that asks counts now; NULL: nobody counts */
    struct exchange *exchange; /* NULL at rest */
    uint64_t since_ns; /* when what is waited for began to be: a request, the end of a head */
    uint64_t number;   /* of the conversation, from 1 */
    uint32_t requests; /* answered */
    uint8_t state;
    uint8_t after_send; /* the state to go on in when what is queued has left */
    bool draining;      /* the next reply says that it is the last */
    bool last;          /* close when what is queued has been sent */
    bool linger;
    bool secure; /* TLS is spoken */
    bool grace;  /* the last moment for a request has begun */
    struct client client;
};

/* Begins a conversation. */
void session_init(struct session *session, struct site *site, struct ledger *ledger,
                  const struct client *client, const struct moment *now);

/* Before the first step: the conversation begins with a handshake. */
void session_secure(struct session *session);

/* Lets go of everything but the exchange, which is returned (NULL: none), and what is spent. At any
 * time between steps: replies that have not left are cut. */
struct exchange *session_finish(struct session *session, const struct moment *now);

/* Says what came of the last step and asks for the next. The first call passes CAME_UNCHANGED.
 * Views and pointers in *next hold until the next call. */
void session_step(struct session *session, const struct moment *now, struct outcome came,
                  struct step *next);

/* Nothing is in flight: the exchange may be taken back, and has to be lent again before the outcome
 * of a READ is told. */
static inline bool session_at_rest(const struct session *session)
{
    return session->exchange == NULL ||
           (session->exchange->begin == session->exchange->end && session->state == 0);
}

static inline void session_lend(struct session *session, struct exchange *exchange)
{
    exchange->begin = exchange->end = 0;
    session->exchange = exchange;
}

static inline struct exchange *session_take_back(struct session *session)
{
    struct exchange *exchange = session->exchange;
    session->exchange = NULL;
    return exchange;
}

/* Where a READ puts bytes: never empty after a READ was asked for. Needs an exchange. */
struct space {
    char *at;
    size_t size;
};
static inline struct space session_space(const struct session *session)
{
    struct exchange *x = session->exchange;
    return (struct space){x->room + x->end, x->capacity - x->end};
}

/* Takes the memory that load_read() gave and that is no longer of use, for the caller to free;
 * NULL: there is none. To be asked after every call of session_step(), and of an exchange that
 * comes back. */
static inline char *exchange_take_spent(struct exchange *exchange)
{
    char *spent = exchange->spent;
    exchange->spent = NULL;
    return spent;
}

/* Gives up what has not left yet of a slice in memory, which is loaded again when its turn comes:
 * exchange_take_spent() has it then. While a SEND is waited in. */
void session_unload(struct session *session);

/* The server was asked to stop: the next reply is the last. When the session waits in READ, tell it
 * CAME_DRAINING afterwards, so that it decides how long it still waits. */
static inline void session_drain(struct session *session)
{
    session->draining = true;
}
