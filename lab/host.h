/* A server under measurement: started on a free port of the loopback, stopped when done. */
#pragma once

#include "lab/child.h"
#include "lab/model.h"

#include <stdbool.h>

enum {
    HOST_URL = 128,
    HOST_WHY = 1024,
};

/* What to start. */
struct host_spec {
    const char *program;
    enum model model;
    const char *book; /* the docroot; every path without a file there answers with the whole book */
    const struct cores *cores;
    const char *delay; /* "0s-3s"; NULL: none */
    uint64_t delay_seed;
};

/* The zero value is a server that was never started. */
struct host {
    struct child child;
    char url[HOST_URL];   /* "http://127.0.0.1:40123", without a slash at the end */
    char about[HOST_URL]; /* what its ready line says in brackets: "async, 1 loop" */
};

enum host_outcome {
    HOST_READY,
    HOST_FAILED, /* `why` (HOST_WHY bytes) says how */
    HOST_INTERRUPTED,
};

/* Starts one and waits until it says that it listens. The evented server gets as many loops as
 * there are cores. */
enum host_outcome host_start(struct host *host, const struct host_spec *spec, int interrupt_fd,
                             char *why);

/* Stops it, and says in *end what it used in all its life (NULL: nobody asks). False when it ended
 * in another way than it should, with status 0: `why` (HOST_WHY bytes) then says how. Accepts the
 * zero value, and then leaves *end alone. */
bool host_stop(struct host *host, struct child_end *end, char *why);

/* Reads a ready line: "listening on http://127.0.0.1:8081/ (async, 1 loop)". `url` and `about` have
 * HOST_URL bytes. False when it is not one. Pure. */
bool host_read_ready(const char *line, char *url, char *about);
