/* `cristo-lab run`: from a plan's name to a bundle, a table and a page. */
#pragma once

#include "lab/options.h"

/* Exit statuses beside 130 (interrupted by SIGINT; 128 + its number by another signal). */
enum {
    EXPERIMENT_WELL = 0,
    EXPERIMENT_FAILED = 1, /* requests failed, or it could not go on */
    EXPERIMENT_MISUSE = 2,
};

/* Carries it out and returns the exit status; every message is printed. */
int experiment_run(const struct run_options *options, const char *name);
