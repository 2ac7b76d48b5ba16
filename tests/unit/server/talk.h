/* A conversation with a session, by bytes and outcomes alone: the files are made by hand, the clock
 * is a number, and what leaves is kept. After every step it is checked that the session kept its
 * word: the step is well formed, nothing is out of bounds, and no reference is lost. */
#pragma once

#include "server/session.h"

enum {
    SHELF_MOST = 20,
    TALK_OUTPUT = 64 << 20, /* 2,000 bytes of requests for the largest book */
};

/* What there is to be served. */
struct book {
    const char *path;
    enum fetch_came came;
    bool on_disk; /* FETCH_FILE: sent from its descriptor, not from memory */
    bool warm;    /* in memory: known without asking the file system */
    struct bytes content;
    struct file *file;
};

struct talk {
    struct site site;
    struct book shelf[SHELF_MOST];
    unsigned books;

    struct ledger *ledger; /* NULL unless a test lends one */
    struct client client;
    struct session session;
    struct exchange *exchange; /* lent, or here to be lent */
    struct moment now;
    struct step step;      /* the last that was asked for */
    enum step_kind before; /* and the one before it */
    bool secured;          /* it begins with a handshake */
    bool over;             /* CLOSE was asked for */

    /* The client. */
    struct bytes input; /* what it still has to say */
    size_t slice;       /* so many bytes at once; 0: as many as there is space for */
    size_t takes;       /* so many bytes at once; 0: all */
    bool reads;         /* a slice of a file is read into memory, and does not stay in the file */
    char *output;       /* what has left to it so far */
    size_t output_len;

    unsigned sends, fetches, colds, loads, works, waits; /* how often each was asked for */
    uint64_t waited_ns;                                  /* in all */
    struct load load;                                    /* the last: what of a file may be sent */
    char *memory;                                        /* lent for a slice; NULL: none */
};

/* Sets a site without limits worth mentioning, a shelf, and the moment; there is one talk at a
 * time. What a test wants to be otherwise it changes before talk_begin(). */
void talk_init(struct talk *talk);
/* Begins: the first step is asked for. */
void talk_begin(struct talk *talk);
/* Ends the session wherever it is, and fails unless everything was let go of. */
void talk_end(struct talk *talk);
/* After talk_end(): frees the shelf. */
void talk_finish(struct talk *talk);

/* Adds to the shelf, or takes the place of what is there by that path. */
struct book *talk_put(struct talk *talk, const char *path, enum fetch_came came, bool on_disk,
                      struct bytes content);
struct book *talk_book(struct talk *talk, const char *path);

/* Tells what came of the last step; the next is in talk->step. */
void talk_tell(struct talk *talk, struct outcome came);
/* One step on. */
void talk_said(struct talk *talk, struct bytes said); /* READ: these bytes came, whole */
void talk_sent(struct talk *talk, size_t most);       /* SEND, after its LOAD: up to so many left
                                                         (0: all) */
void talk_looked_up(struct talk *talk);               /* FETCH */
void talk_loaded(struct talk *talk);                  /* LOAD */
/* Carries out whatever was asked for in the plain way; false when that is a READ and the client has
 * nothing more to say, or the talk is over. */
bool talk_step(struct talk *talk);
/* Goes on so until it is false. */
void talk_play(struct talk *talk, struct bytes input);

/* While a SEND is asked for: takes back the memory of a slice, whatever of it is left. */
void talk_unload(struct talk *talk);

void talk_later(struct talk *talk, uint64_t ns);

/* Fails unless the last step is of this kind. */
#define assert_step(talk, wanted) assert_int_equal((talk)->step.kind, (wanted))

/* Fails unless something is to leave, or to be loaded for that. */
#define assert_sends(talk) \
    assert_true((talk)->step.kind == STEP_SEND || (talk)->step.kind == STEP_LOAD)

/* --- what left, read as a client reads it ----------------------------------------------------- */

enum {
    SEEN_MOST = 256
};

struct seen {
    unsigned status;
    struct bytes head;
    struct bytes body;
    bool closes; /* it says that it is the last */
};

struct replies {
    unsigned count;
    struct seen at[SEEN_MOST];
    struct bytes rest; /* an unfinished one */
};

/* Reads `output` as replies to these methods, a letter each (G, H, O, P: any that has bodies);
 * interim replies are counted too and need no letter. Fails when one is malformed, or has no
 * letter.
 */
void replies_read(struct replies *replies, struct bytes output, const char *methods);
/* The same for what left in a talk, which has to have been whole replies. */
void talk_replies(const struct talk *talk, struct replies *replies, const char *methods);
/* The value of a field of a head; empty when it is not there. */
struct bytes seen_field(const struct seen *seen, const char *name);
