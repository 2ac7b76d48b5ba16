/* The talk's demonstration: a few requests that the server only waits for, asked one after the
 * other, by threads and by events. Waiting costs no processor, so all ways run at once, each
 * against servers of its own that draw the same waits from the same seed. */
#pragma once

#include "lab/progress.h"
#include "lab/race.h"

struct waits_spec {
    const struct plan *plan;
    const struct places *places;
    const struct cores *server_cores;
    const struct cores *client_cores;
    struct progress *progress;
    size_t runs; /* that came before, for the progress line */
};

/* Appends a row for each way and server to `rows` (bundle.h, "waits"). `why` has RACE_WHY bytes. */
enum race_outcome waits_run(const struct waits_spec *spec, json_t *rows, int interrupt_fd,
                            char *why);
