/* Servers that behave in known ways, each connection on a thread of its own, and loads of the model
 * that is linked in, to be played against them. What cannot be made fails the case. */
#pragma once

#include "client/load.h"
#include "client/options.h"
#include "lib/net/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum manner {
    GOES_ON, /* waits for the next request */
    CLOSES,
    CUTS, /* the same, but TLS is not ended */
    RESETS,
    ENDS,    /* sends no more, but goes on to take what comes */
    SILENT,  /* answers nothing, for as long as the client stays */
    DEAFENS, /* does not even read */
};

/* How every connection of a server goes. */
struct behaviour {
    const char *reply;
    size_t body;      /* this many bytes follow it */
    unsigned replies; /* on a connection; then: */
    enum manner then;
    unsigned pause_ms; /* before each reply */
    unsigned drip_ms;  /* 0: a reply is sent in one piece; else bytes come one by one, so slowly */
};

enum family {
    V4,
    V6,
    UNIX,
};

struct server {
    struct behaviour behaviour;
    bool secured;
    int listening;
    int stop[2]; /* a pipe that is closed at the end */
    char url[128];
    char path[64]; /* of a unix socket */
    pthread_t thread;
    _Atomic unsigned connections;
    _Atomic unsigned heard;  /* those on which something was said */
    _Atomic unsigned guests; /* threads that serve one */
};

/* The certificate of all servers of https, for "h", 127.0.0.1 and ::1: before the first of them,
 * and after the last. */
void trust_make(void);
void trust_drop(void);

/* The path of an authority that did not sign it. */
const char *trust_stranger(void);

struct server *server_start(const struct behaviour *behaviour, enum family family, bool secured);
/* Every connection ends. Frees it. */
void server_stop(struct server *server);

/* One load, as main() would make it. */
struct load {
    struct options options;
    struct plan plan;
    struct watch watch;
    struct tally *tally;
    struct tally *warmup;
    uint64_t elapsed_ns;
};

/* Plans by a command line whose words are separated by single blanks; `unix_path` may be empty.
 * It is in no hurry to connect. */
struct load *load_plan(const char *words, const char *url, const char *unix_path);
/* The same for a server of https, which is trusted. */
struct load *load_plan_secured(const char *words, const char *url, const char *unix_path);
void load_play(struct load *load);
void load_destroy(struct load *load);
