/* One connection's conversation, without I/O: requests out, verdicts in.
 *
 * A session is asked for its next step, is told what came of it, and decides again; the I/O model
 * is a short loop that carries steps out. Who is asked for what, when a connection is made, kept or
 * given up, what is tried again, what counts as an error, and when it is all over: that is decided
 * here, once for both models.
 *
 *     for (came = nothing;;) {
 *         step = session_step(session, now, came);
 *         came = carry out *step, waiting in the model's own way
 *     }
 *
 * Pure: no socket, file, clock, event or allocation. A session belongs to one thread; what it
 * shares with others (plan, course, pulse) is const or lock-free. */
#pragma once

#include "client/course.h"
#include "client/gauge.h"
#include "client/plan.h"
#include "client/pulse.h"
#include "client/reply.h"
#include "client/tally.h"

#include <sys/uio.h>

enum step_kind {
    STEP_BEGIN,     /* never asked for: the state before the first step */
    STEP_CONNECT,   /* to `origin` */
    STEP_HANDSHAKE, /* of TLS, with the `origin` that was connected to */
    STEP_SEND,      /* these `pieces`, or as much of them as there is room for */
    STEP_READ,      /* up to `size` bytes into `space` */
    STEP_DISCARD,   /* up to `size` bytes, unseen */
    STEP_WAIT,      /* until `until_ns` */
    STEP_IDLE,  /* the same, on a connection where nothing is to come: what came in spite of that,
                   or became of it, is said then at the latest, as of READ */
    STEP_TELL,  /* the verdict on one request, to whoever traces them; at once, for what came behind
                   its reply is still in the scratch */
    STEP_CLOSE, /* close the connection; TLS is told, and no answer to that waited for */
    STEP_FINISHED,
};

/* What became of one request. */
struct verdict {
    const char *url;
    unsigned status; /* 0: no head came */
    enum failure failure;
    struct cause cause;
    uint64_t body; /* bytes of content */
    bool has_delay;
    uint64_t delay_ns;
    uint64_t took_ns;
};

/* What there is to be told of TLS beside an outcome. */
struct news {
    struct agreement agreed;
    const char *why; /* good until the connection is closed */
};

struct step {
    enum step_kind kind;
    uint64_t until_ns; /* WAIT, IDLE: go on then; CONNECT to DISCARD: give up then */

    const struct origin *origin;   /* CONNECT, HANDSHAKE */
    const struct address *source;  /* CONNECT; NULL: any */
    const struct iovec *pieces;    /* SEND; they and their bytes stay until the next step */
    int piece_count;               /* SEND */
    char *space;                   /* READ, IDLE */
    size_t size;                   /* READ, DISCARD, IDLE */
    const struct verdict *verdict; /* TELL */
    struct news *news;             /* to be written where an outcome says so */
};

/* What came of a step. */
enum came {
    CAME_NOTHING, /* before the first step */
    CAME_DONE,    /* SEND to IDLE: so many `bytes`, at least one; HANDSHAKE: news->agreed */
    CAME_ENDED,   /* READ, DISCARD, IDLE: the peer has closed its side */
    CAME_CUT,     /* the same, but without the end that TLS has: there may have been more */
    CAME_FAILED,  /* `error` is a positive errno; 0: it was TLS that failed, by news->why */
    CAME_TIMED_OUT,
};

struct outcome {
    enum came kind;
    int error;
    size_t bytes;
};

/* A request that was drawn and has no verdict yet. */
struct flight {
    const struct target *target;
    uint64_t number;
    uint64_t drawn_ns;
    uint64_t due_ns;   /* not to be sent before */
    uint64_t start_ns; /* latency counts from here: the moment of sending, or, when the plan has a
                          rate, the moment the request was due */
    uint64_t sent_ns;  /* the timeout counts from here; 0: not begun */
    bool warm;         /* of the warm-up: it does not count */
    bool repeated;     /* lost with a connection once, and sent again */
};

enum {
    SESSION_SCRATCH = 64 * 1024,
    SESSION_ROOM = REPLY_HEAD_MAX,
    SESSION_PIECES = 16,
};

/* What a session is given; all of it must outlive the session. */
struct session_place {
    const struct plan *plan;
    struct course *course;
    struct tally *tally;
    struct tally *warmup;   /* what comes before all counts; NULL: the plan has no warm-up */
    struct gauge *gauge;    /* of its thread */
    struct pulse *pulse;    /* of its thread, or shared with others */
    struct flight *flights; /* plan->pipeline of them */
    uint64_t rank; /* among all sessions: when connections come one by one, in which order */
    /* By target: the digest of the first good reply's body, which all others are held against; 0:
     * none yet. Shared by all sessions; needed to verify bytes. */
    _Atomic uint64_t *specimens;
    /* These two may be shared by the sessions of one thread. */
    struct reply_memory *memory;
    char *scratch; /* SESSION_SCRATCH bytes; nothing is kept there while a model waits */
    char *room;    /* SESSION_ROOM bytes of its own; hardly ever touched */
};

struct session {
    struct session_place place;
    struct step step; /* the one being carried out */

    /* Requests, the oldest first: `count` flights from `first` on, round the ring. The first `sent`
     * of them have left on this connection, and `part` bytes of the next one. */
    size_t first;
    size_t count;
    size_t sent;
    size_t part;
    size_t gathered;    /* as `sent`, should all of the SEND step leave */
    bool exhausted;     /* none is left to be drawn */
    uint64_t behind_ns; /* its schedule, by the generator's fault */

    /* When the plan ramps connections up and down: */
    bool wanted;      /* at work, until its turn comes to be the other way */
    uint64_t turn_ns; /* which is then, or never; 0: not asked yet */

    /* The connection. */
    const struct origin *origin; /* NULL: there is none */
    uint64_t connect_begun_ns;   /* 0: it is made, and shaken */
    uint64_t handshake_begun_ns; /* 0: it needs none, or it is done */
    uint64_t connects;           /* begun so far */
    uint64_t served;             /* replies that came on it */
    bool spent;                  /* it must not be used again */
    int deaf; /* it takes no more bytes, for this errno; what it said may still be read */

    /* The reply being read. */
    struct reply reply;
    uint64_t first_byte_ns; /* 0: none yet */
    struct bytes text;      /* received and not yet read; within scratch or room */
    size_t held;            /* bytes of an unfinished head, at the beginning of room */
    struct digest content;  /* of its body, if bytes are verified */

    /* What the last reply was like: the next one will be alike. */
    size_t usual_head;
    uint64_t usual_body;

    /* Failures: the first `doomed` flights are still to be given this verdict. */
    size_t doomed;
    enum failure doom;
    struct cause cause;
    unsigned failures;      /* of connections, in a row */
    uint64_t rest_until_ns; /* no new connection before */

    struct news news;
    bool telling;
    struct verdict verdict;
    struct iovec pieces[SESSION_PIECES];
};

/* Makes a session and draws its first request, so that the first requests of a run are spread over
 * all its connections; unless these come one by one. */
void session_init(struct session *session, const struct session_place *place);

/* The next step, now that the last one came to `came`; carried out by the caller, who then calls
 * again. `now_ns` never runs backwards, and is not before course_begin(). The step belongs to the
 * session and is good until the next call. After STEP_FINISHED there is nothing more to call. */
const struct step *session_step(struct session *session, uint64_t now_ns, struct outcome came);
