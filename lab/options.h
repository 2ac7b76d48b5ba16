/* The command lines of cristo-lab. */
#pragma once

#include "lib/base/options.h"

#include <stdint.h>
#include <sys/types.h>

enum command {
    COMMAND_LIST,
    COMMAND_RUN,
    COMMAND_REPORT,
};

/* `run`; strings belong to argv. */
struct run_options {
    const char *out;      /* NULL: a new folder below lab-results */
    const char *url;      /* NULL: our own servers */
    const char *programs; /* NULL: beside this program */
    const char *book;     /* NULL: the prepared one */
    const char *duration; /* as written; NULL: the plan's */
    uint64_t duration_ns;
    unsigned repeats; /* 0: the plan's */
    uint64_t seed;
    bool has_seed;
    pid_t pid; /* 0: none */
    bool quick;
    bool quiet;
};

struct options {
    enum command command;
    struct run_options run;
    const char *operand; /* experiment or bundle; NULL with list */
};

/* Reads "cristo-lab COMMAND ...". Outcomes as in lib/base/options.h. */
enum options_outcome options_take(struct options *options, int argc, char **argv);
