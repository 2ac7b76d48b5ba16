/* The servers' command line. */
#pragma once

#include "lib/base/options.h"
#include "lib/net/address.h"
#include "lib/tls/server.h"
#include "server/ledger/line.h"
#include "server/site.h"

enum {
    LISTENERS_MAX = 16,
    CERTIFICATES_MAX = 16,
    TICKET_FILES_MAX = 16,
    FIELDS_MAX = 1024,
    LOOPS_MAX = 256
};

/* Where to listen, and what is spoken there. */
struct place {
    struct address address;
    bool tls;
};

/* Paths; NULL: not given. */
struct certificate_option {
    const char *cert;
    const char *key; /* NULL: it is in `cert` */
    const char *ocsp;
};

struct server_options {
    const char *docroot; /* NULL: the prepared book */
    struct place listen[LISTENERS_MAX];
    unsigned listen_count;
    bool listen_default; /* none was given: the one there is the model's */
    bool speaks_tls;     /* at some place, of these or of those that are inherited */

    struct certificate_option certificates[CERTIFICATES_MAX];
    unsigned certificate_count; /* 0: the server makes one of its own */
    const char *client_ca;      /* NULL: clients need no certificate */
    const char *ticket_files[TICKET_FILES_MAX];
    unsigned ticket_file_count; /* 0: random keys */
    enum tls_version tls_oldest;
    const char *tls_needing; /* the last option given that has a meaning for TLS alone; NULL */

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
    bool tls;        /* what is spoken there */
    bool is_private; /* that of --admin */
    bool lent;       /* a supervisor holds these sockets too, for whoever comes after us */
    bool heir;       /* so does a predecessor, until we are ready */
};

struct serve_model;

/* The options of a model; its manual page is made of them (manual.c). */
struct option_table server_option_table(const struct serve_model *model);

/* Reads the command line over the defaults. Misuse is reported on stderr. */
enum options_outcome server_options_read(struct server_options *options,
                                         const struct serve_model *model, int argc, char **argv);
