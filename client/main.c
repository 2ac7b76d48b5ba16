/* The clients' main: options, plan, run, report. Linked once with each I/O model. */
#include "client/load.h"
#include "client/options.h"
#include "client/report.h"
#include "client/space.h"
#include "client/trust.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum exit_status {
    EXIT_WELL = 0,
    EXIT_FAILED = 1, /* a request failed, or none could be made */
    EXIT_WRONG_USE = 2,
    EXIT_DOUBTFUL = 4, /* the result cannot be trusted */
    EXIT_INTERRUPTED = 130,
};

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t timeval_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_usec * NS_PER_US;
}

/* Adds `sign` times the CPU time spent so far. */
static void add_cpu(struct report *report, int sign)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    report->cpu_user_ns += (uint64_t)sign * timeval_ns(used.ru_utime);
    report->cpu_system_ns += (uint64_t)sign * timeval_ns(used.ru_stime);
}

static bool wants_progress(const struct options *options)
{
    bool trace_beside = options->trace && isatty(STDOUT_FILENO);
    return !options->quiet && !trace_beside && isatty(STDERR_FILENO);
}

/* How many requests of an open loop were due before the end. */
static uint64_t count_due(const struct course *course, const struct report *report)
{
    uint64_t whole_ns = course_end(course) - course->begin_ns;
    uint64_t elapsed_ns = report->elapsed_ns < whole_ns ? report->elapsed_ns : whole_ns;
    if (report->plan->rate == 0) {
        return 0;
    }
    uint64_t due = plan_due_before(report->plan, elapsed_ns);
    due = due < course->requests ? due : course->requests;
    return due > report->tally->sent ? due : report->tally->sent;
}

/* Carries out the plan and fills the report. 0 or -errno. */
static int run(struct report *report, struct tally *tally, const struct options *options)
{
    struct watch watch;
    int error = watch_init(&watch, report->plan, wants_progress(options));
    if (error < 0) {
        return error;
    }
    report->started_ms = wall_ms();
    add_cpu(report, -1);
    error = load_run(report->plan, &watch, tally);
    add_cpu(report, 1);
    report->elapsed_ns = tally->ended_ns - watch.course.begin_ns;
    report->due = count_due(&watch.course, report);
    report->interrupted = watch.interrupted;
    report->evidence = watch.evidence;
    watch_finish(&watch);
    return error;
}

/* The first that applies, in the order of the design. */
static enum exit_status judge(const struct report *report)
{
    const struct tally *tally = report->tally;
    if (report->interrupted) {
        return EXIT_INTERRUPTED;
    }
    if (tally->failed > 0) {
        return EXIT_FAILED;
    }
    if (tally->ok == 0) {
        log_error("no reply came before the end");
        return EXIT_FAILED;
    }
    return trust_judge(report).verdict == NOT_TRUSTED ? EXIT_DOUBTFUL : EXIT_WELL;
}

static bool is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

static enum exit_status publish(const struct report *report, const struct options *options,
                                FILE *json)
{
    int error = 0;
    if (!is_stdout(options->json_path)) {
        report_print(report, options->latency_table, stdout);
    }
    if (json != NULL) {
        error = report_write_json(report, json);
    }
    if (error != 0) {
        log_error("--json %s: %s", options->json_path, strerror(-error));
        return EXIT_FAILED;
    }
    return judge(report);
}

static enum exit_status run_plan(const struct plan *plan, const struct options *options, FILE *json)
{
    struct tally *tally = space_create(1, sizeof(*tally));
    struct report report = {.model = &load_model, .plan = plan, .tally = tally};
    int error = tally == NULL ? -ENOMEM : run(&report, tally, options);
    enum exit_status status = EXIT_FAILED;
    if (error == 0) {
        status = publish(&report, options, json);
    } else {
        log_error("-c %llu: %s: raise ulimit -u, kernel.threads-max or vm.max_map_count",
                  (unsigned long long)plan->connections, strerror(-error));
    }
    space_destroy(tally, 1, sizeof(*tally));
    return status;
}

/* Opened before the run, so that a name that cannot be written does not cost its results. */
static FILE *open_json(const char *path)
{
    if (is_stdout(path)) {
        return stdout;
    }
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        log_error("--json %s: %s", path, strerror(errno));
    }
    return file;
}

static enum exit_status run_options(const struct options *options)
{
    struct plan plan;
    char why[PLAN_TEXT];
    FILE *json = NULL;
    uint64_t descriptors = limits_raise_descriptors();
    switch (plan_init(&plan, options, load_model.one_thread_each, descriptors, why)) {
    case PLAN_MISUSE:
        return (enum exit_status)client_options_misuse(&load_model, why);
    case PLAN_FAILURE:
        log_error("%s", why);
        return EXIT_FAILED;
    case PLAN_READY:
        break;
    }
    enum exit_status status = EXIT_FAILED;
    if (options->json_path == NULL || (json = open_json(options->json_path)) != NULL) {
        status = run_plan(&plan, options, json);
    }
    if (json != NULL && json != stdout) {
        fclose(json);
    }
    plan_finish(&plan);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    enum exit_status status = EXIT_WELL;
    log_program(load_model.program);
    switch (client_options_read(&options, &load_model, argc, argv)) {
    case OPTIONS_RUN:
        status = run_options(&options);
        break;
    case OPTIONS_DONE:
        break;
    case OPTIONS_MISUSE:
        status = EXIT_WRONG_USE;
        break;
    }
    client_options_finish(&options);
    return status;
}
