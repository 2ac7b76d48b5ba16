/* The clients' command line. */
#pragma once

#include "client/load.h"
#include "client/plan.h"
#include "client/require.h"
#include "lib/base/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was asked for, each option by itself; plan_init() makes sense of it as a whole. Strings are
 * the command line's own. */
struct options {
    uint64_t connections; /* 0: not given */
    uint64_t requests;    /* 0: not given */
    uint64_t duration_ns; /* 0: not given */
    uint64_t warmup_ns;   /* 0: none */
    uint64_t rate;        /* 0: not given */
    struct ramp ramp;     /* count 0: not given; not begun */
    uint64_t threads;
    uint64_t timeout_ns;
    uint64_t connect_timeout_ns; /* 0: as timeout_ns */

    uint64_t pipeline;
    uint64_t think_low_ns, think_high_ns;
    uint64_t seed;

    const char *method;
    const char *body_path; /* NULL: none */
    char *header_lines;    /* "Name: value\r\n" of every -H; NULL: none */
    bool close;
    enum verify verify;
    const char *unix_path; /* NULL: connect to the URL's host */
    const char *sources;   /* "ADDR,ADDR"; NULL: connect from where the system likes */

    bool insecure;         /* TLS: certificates are not looked at */
    bool resume;           /* TLS: sessions are resumed */
    const char *ca_path;   /* of authorities to be trusted; NULL: the system's */
    const char *cert_path; /* of the client's own certificate; NULL: none */
    const char *key_path;  /* and its key; NULL: in the same file */

    bool trace;
    bool quiet;
    bool live;
    bool latency_table;
    bool wrk;
    const char *json_path; /* NULL: none; "-": stdout */
    const char *hlog_path; /* NULL: none; "-": stdout */
    struct thresholds thresholds;

    const char *urls_path; /* of a file that holds more URLs; NULL: none */
    const char *const *urls;
    size_t url_count;
};

/* The options of a model; its manual page is made of them (manual.c). */
struct option_table client_option_table(const struct model *model);

/* Fills *options. OPTIONS_DONE and OPTIONS_MISUSE have printed what there is to say. */
enum options_outcome client_options_read(struct options *options, const struct model *model,
                                         int argc, char **argv);

/* Says what is wrong with the command line; returns the exit status of misuse. */
int client_options_misuse(const struct model *model, const char *what);

void client_options_finish(struct options *options);
