#include "lab/play.h"

#include "lib/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS (100 * NS_PER_MS)
#define GRACE_NS (2 * NS_PER_S)

/* The numbers behind the arguments; they live as long as the call to execv. */
struct command {
    const char *argv[CHILD_ARGUMENTS];
    char connections[16], requests[24], duration[32], loops[16];
};

static void write_command(struct command *command, const struct play_spec *spec);
static void explain(const struct play *play, struct play_result *result);

int play_start(struct play *play, const struct play_spec *spec)
{
    struct command command;
    write_command(&command, spec);
    *play = (struct play){.spec = spec};
    int failed = child_start(&play->child, &(struct child_spec){command.argv, spec->cores, false});
    play->deadline_ns = clock_monotonic_ns() + spec->duration_ns + spec->longest_ns;
    return failed;
}

static void write_command(struct command *command, const struct play_spec *spec)
{
    size_t count = 0;
    snprintf(command->connections, sizeof command->connections, "%u", spec->connections);
    command->argv[count++] = spec->program;
    command->argv[count++] = "--quiet";
    command->argv[count++] = "--json";
    command->argv[count++] = "-";
    command->argv[count++] = "--connections";
    command->argv[count++] = command->connections;
    if (spec->requests > 0) {
        snprintf(command->requests, sizeof command->requests, "%llu",
                 (unsigned long long)spec->requests);
        command->argv[count++] = "--requests";
        command->argv[count++] = command->requests;
    }
    if (spec->duration_ns > 0) {
        snprintf(command->duration, sizeof command->duration, "%lluus",
                 (unsigned long long)(spec->duration_ns / NS_PER_US));
        command->argv[count++] = "--duration";
        command->argv[count++] = command->duration;
    }
    size_t loops = spec->cores->count < spec->connections ? spec->cores->count : spec->connections;
    if (spec->model == MODEL_ASYNC && loops > 1) {
        snprintf(command->loops, sizeof command->loops, "%zu", loops);
        command->argv[count++] = "--threads";
        command->argv[count++] = command->loops;
    }
    command->argv[count++] = spec->url;
    command->argv[count] = NULL;
}

enum play_outcome play_watch(struct play *play, struct sampler *sampler, int interrupt_fd)
{
    struct sample_stat stat;
    uint64_t now = clock_monotonic_ns();
    uint64_t weigh_ns = now + play->spec->duration_ns * 2 / 3;

    for (;;) {
        uint64_t until = sampler != NULL ? now + TICK_NS : play->deadline_ns;
        if (sampler != NULL && !sampler->weighed && weigh_ns < until) {
            until = weigh_ns;
        }
        until = until < play->deadline_ns ? until : play->deadline_ns;
        enum child_wait outcome = child_await(&play->child, until, interrupt_fd);
        if (outcome == CHILD_INTERRUPTED) {
            return PLAY_INTERRUPTED;
        }
        now = clock_monotonic_ns();
        if (outcome == CHILD_READY || now >= play->deadline_ns) {
            return PLAY_DONE;
        }
        sampler_stat(sampler, &stat);
        if (!sampler->weighed && now >= weigh_ns && !sampler_weigh(sampler)) {
            weigh_ns = CLOCK_NEVER;
        }
    }
}

void play_finish(struct play *play, struct play_result *result)
{
    *result = (struct play_result){0};
    child_stop(&play->child, GRACE_NS, &result->end);

    size_t size = 0;
    json_error_t error;
    char *text = child_output(&play->child, &size);
    if (text != NULL && size > 0) {
        result->json = json_loadb(text, size, 0, &error);
    }
    free(text);
    explain(play, result);
    child_finish(&play->child);
}

/* Status 1 says that requests failed, 3 and 4 that a threshold was missed or that the result is in
 * doubt: all with a report that tells more. */
static void explain(const struct play *play, struct play_result *result)
{
    const char *complaint = child_complaint(&play->child, result->complaint);
    bool reports = result->end.status <= 4 && result->end.status != 2;
    if (result->json != NULL && reports) {
        return;
    }
    snprintf(result->why, sizeof result->why, "%s ended with status %d%s%s%s",
             strrchr(play->spec->program, '/') != NULL ? strrchr(play->spec->program, '/') + 1
                                                       : play->spec->program,
             result->end.status, result->json == NULL ? " and without a report" : "",
             complaint[0] != '\0' ? ": " : "", complaint);
}

enum play_outcome play_run(const struct play_spec *spec, struct sampler *sampler, int interrupt_fd,
                           struct play_result *result)
{
    struct play play;
    int failed = play_start(&play, spec);
    if (failed != 0) {
        *result = (struct play_result){.end.status = 127};
        snprintf(result->why, sizeof result->why, "cannot start %s: %s", spec->program,
                 strerror(-failed));
        return PLAY_DONE;
    }
    enum play_outcome outcome = play_watch(&play, sampler, interrupt_fd);
    play_finish(&play, result);
    return outcome;
}

void play_result_finish(struct play_result *result)
{
    json_decref(result->json);
    result->json = NULL;
}

uint64_t play_requests(const struct play_result *result)
{
    json_int_t ok = 0, failed = 0;
    if (json_unpack(result->json, "{s:{s:I, s:I}}", "requests", "ok", &ok, "failed", &failed) !=
        0) {
        return 0;
    }
    return (uint64_t)(ok + failed);
}
