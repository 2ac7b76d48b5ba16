/* A client at work: started, watched together with the server it asks, and heard out. */
#pragma once

#include "lab/child.h"
#include "lab/model.h"
#include "lab/sample.h"

#include <jansson.h>

enum {
    PLAY_WHY = 1024
};

/* One load. */
struct play_spec {
    const char *program;
    enum model model;
    const char *url;
    unsigned connections;
    uint64_t requests;    /* 0: until duration_ns has passed */
    uint64_t duration_ns; /* 0: until all requests are done; then `longest_ns` bounds it */
    uint64_t longest_ns;  /* how long it may take beyond duration_ns, before it is killed */
    const struct cores *cores;
};

/* What came of it. */
struct play_result {
    json_t *json; /* its --json report (cristo-client/1), owned; NULL: it gave none */
    struct child_end end;
    char complaint[CHILD_LINE]; /* the last line that it wrote to stderr */
    char why[PLAY_WHY];         /* when json is NULL, or it ended as no client with a report does */
};

enum play_outcome {
    PLAY_DONE, /* *result is set, well or not */
    PLAY_INTERRUPTED,
};

/* The zero value is one that was never started. */
struct play {
    struct child child;
    const struct play_spec *spec;
    uint64_t deadline_ns;
};

/* Starts the client; 0 or -errno. `spec` stays in use until play_finish(). The evented client gets
 * as many loops as there are cores, but no more than connections. */
int play_start(struct play *play, const struct play_spec *spec);

/* Waits until it ends, and meanwhile samples the server: threads ten times a second, memory once
 * when two thirds of the duration have passed. `sampler` may be NULL. */
enum play_outcome play_watch(struct play *play, struct sampler *sampler, int interrupt_fd);

/* Reaps it (stopping it first if it still runs) and reads its report. */
void play_finish(struct play *play, struct play_result *result);

/* All three. */
enum play_outcome play_run(const struct play_spec *spec, struct sampler *sampler, int interrupt_fd,
                           struct play_result *result);

void play_result_finish(struct play_result *result);

/* How many requests its report counts as answered, well or not. */
uint64_t play_requests(const struct play_result *result);
