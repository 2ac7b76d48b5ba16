/* The servers' command line. */
#pragma once

#include "lib/base/options.h"
#include "lib/net/address.h"
#include "server/ledger/line.h"
#include "server/site.h"

enum {
    LISTENERS_MAX = 16,
    FIELDS_MAX = 1024,
    LOOPS_MAX = 256
};

struct server_options {
    const char *docroot; /* NULL: the prepared book */
    struct address listen[LISTENERS_MAX];
    unsigned listen_count;
    bool listen_default; /* none was given: the one there is the model's */

    const char *log; /* --access-log: a path, or "-"; NULL: none */
    enum line_format log_format;
    struct address admin;
    bool has_admin;

    const char *fallback;
    bool no_fallback;
    uint64_t trust_ns;
    const char *user; /* --user; NULL: whoever started it */
    bool chroot;
    bool no_sandbox;

    bool dotfiles;
    const char *cache_control;
    char fields[FIELDS_MAX]; /* of --response-header: whole lines */
    size_t fields_len;

    struct limits limits;
    struct timeouts timeouts;
    struct cache_limits cache; /* of all caches together */

    bool delays;
    uint64_t delay_low_ns, delay_high_ns;
    uint64_t seed;
    unsigned compute;

    unsigned loops;        /* async */
    unsigned file_threads; /* async */
    unsigned offload;      /* async */
    uint64_t stack;        /* sync: bytes of a thread's stack */
};

/* One address, with the sockets that share it. */
struct listener {
    struct address asked;   /* as it was given: port 0 is still 0 */
    struct address address; /* as it is */
    unsigned sockets;
    int fds[LOOPS_MAX];
    bool lent; /* a supervisor holds these sockets too, for whoever comes after us */
    bool heir; /* so does a predecessor, until we are ready */
};

struct serve_model;

/* The options of a model; its manual page is made of them (manual.c). */
struct option_table server_option_table(const struct serve_model *model);

/* Reads the command line over the defaults. Misuse is reported on stderr. */
enum options_outcome server_options_read(struct server_options *options,
                                         const struct serve_model *model, int argc, char **argv);
