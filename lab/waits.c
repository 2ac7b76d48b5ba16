#include "lab/waits.h"

#include "lab/host.h"
#include "lab/play.h"
#include "lib/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define LONGEST_NS (60 * NS_PER_S) /* beyond the sum of the longest waits */

enum {
    LANES_MAX = PLAN_WAYS * MODEL_PAIR,
    URL_SIZE = 4096,
};

/* One way against one server. */
struct lane {
    const struct plan_way *way;
    enum model server;
    struct host host;
    struct play_spec load;
    struct play play;
    char url[URL_SIZE];
};

static enum race_outcome begin(struct lane *lane, const struct waits_spec *spec, int interrupt_fd,
                               char *why);
static enum race_outcome await(const struct waits_spec *spec, struct lane *lanes, size_t count,
                               int interrupt_fd);
static json_t *lane_json(struct lane *lane);

enum race_outcome waits_run(const struct waits_spec *spec, json_t *rows, int interrupt_fd,
                            char *why)
{
    const struct plan_waits *waits = &spec->plan->waits;
    struct lane *lanes = calloc(LANES_MAX, sizeof *lanes);
    enum race_outcome outcome = RACE_DONE;
    char ended[HOST_WHY]; /* nobody hears about a server that is stopped half-way */
    size_t count = 0;

    if (lanes == NULL) {
        snprintf(why, RACE_WHY, "out of memory");
        return RACE_FAILED;
    }
    for (; count < waits->ways * MODEL_PAIR && outcome == RACE_DONE; count++) {
        lanes[count].way = &waits->way[count / MODEL_PAIR];
        lanes[count].server = (enum model)(count % MODEL_PAIR);
        outcome = begin(&lanes[count], spec, interrupt_fd, why);
    }
    for (size_t i = 0; i < count && outcome == RACE_DONE; i++) {
        int failed = play_start(&lanes[i].play, &lanes[i].load);
        if (failed != 0) {
            snprintf(why, RACE_WHY, "cannot start %s: %s", lanes[i].load.program,
                     strerror(-failed));
            outcome = RACE_FAILED;
        }
    }
    if (outcome == RACE_DONE) {
        outcome = await(spec, lanes, count, interrupt_fd);
    }
    for (size_t i = 0; i < count; i++) {
        if (outcome == RACE_DONE) {
            json_array_append_new(rows, lane_json(&lanes[i]));
        }
        child_stop(&lanes[i].play.child, NS_PER_S, NULL);
        child_finish(&lanes[i].play.child);
        host_stop(&lanes[i].host, NULL, ended);
    }
    free(lanes);
    return outcome;
}

static enum race_outcome begin(struct lane *lane, const struct waits_spec *spec, int interrupt_fd,
                               char *why)
{
    const struct plan_waits *waits = &spec->plan->waits;
    char host_why[HOST_WHY];
    struct host_spec server = {
        .program = spec->places->server[lane->server],
        .model = lane->server,
        .book = spec->places->book,
        .cores = spec->server_cores,
        .delay = waits->delay,
        .delay_seed = waits->seed,
    };
    switch (host_start(&lane->host, &server, interrupt_fd, host_why)) {
    case HOST_READY:
        break;
    case HOST_INTERRUPTED:
        return RACE_INTERRUPTED;
    case HOST_FAILED:
        snprintf(why, RACE_WHY, "%s", host_why);
        return RACE_FAILED;
    }
    snprintf(lane->url, sizeof lane->url, "%s%s", lane->host.url, waits->path);
    lane->load = (struct play_spec){
        .program = spec->places->client[lane->way->client],
        .model = lane->way->client,
        .url = lane->url,
        .connections = lane->way->connections,
        .requests = waits->requests,
        .longest_ns = waits->requests * waits->delay_max_ns + LONGEST_NS,
        .cores = spec->client_cores,
    };
    return RACE_DONE;
}

/* The clients measure their own time, so it does not matter which is waited for first. */
static enum race_outcome await(const struct waits_spec *spec, struct lane *lanes, size_t count,
                               int interrupt_fd)
{
    const struct plan_waits *waits = &spec->plan->waits;
    uint64_t began_ns = clock_monotonic_ns();
    uint64_t likely_ns = waits->requests * waits->delay_max_ns / 2;
    char text[256];

    snprintf(text, sizeof text, "the demonstration: %u replies, each waited for %s",
             waits->requests, waits->delay);
    for (size_t i = 0; i < count;) {
        uint64_t now = clock_monotonic_ns();
        uint64_t passed_ns = now - began_ns;
        progress_say(spec->progress, spec->runs, spec->runs,
                     likely_ns > passed_ns ? likely_ns - passed_ns : NS_PER_S, text);
        switch (child_await(&lanes[i].play.child, now + NS_PER_S / 2, interrupt_fd)) {
        case CHILD_INTERRUPTED:
            return RACE_INTERRUPTED;
        case CHILD_LATE:
            i += now >= lanes[i].play.deadline_ns; /* lane_json() stops it */
            break;
        default:
            i++;
        }
    }
    return RACE_DONE;
}

static json_t *lane_json(struct lane *lane)
{
    struct play_result result;
    char why[HOST_WHY];
    play_finish(&lane->play, &result);
    if (!host_stop(&lane->host, NULL, why) && result.why[0] == '\0') {
        snprintf(result.why, sizeof result.why, "%s", why);
    }
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:o, s:i, s:o}", "way", lane->way->name, "server",
        model_name(lane->server), "client", model_name(lane->way->client), "connections",
        lane->way->connections, "url", lane->url, "error",
        result.why[0] != '\0' ? json_string(result.why) : json_null(), "client_status",
        result.end.status, "result", result.json != NULL ? json_incref(result.json) : json_null());
    play_result_finish(&result);
    return row;
}
