/* The clients' main: options, plan, run, report. Linked once with each I/O model. */
#include "client/blocks.h"
#include "client/hlog.h"
#include "client/live/terminal.h"
#include "client/load.h"
#include "client/options.h"
#include "client/report.h"
#include "client/space.h"
#include "client/trust.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/log.h"
#include "lib/base/order.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum exit_status {
    EXIT_WELL = 0,
    EXIT_FAILED = 1, /* a request failed, or none could be made */
    EXIT_WRONG_USE = 2,
    EXIT_MISSED = 3,   /* a threshold */
    EXIT_DOUBTFUL = 4, /* the result cannot be trusted */
    EXIT_INTERRUPTED = 130,
};

static uint64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum watch_show what_to_show(const struct options *options)
{
    bool trace_beside = options->trace && isatty(STDOUT_FILENO);
    if (options->live) {
        return SHOW_VIEW;
    }
    return options->quiet || trace_beside || !isatty(STDERR_FILENO) ? SHOW_NOTHING : SHOW_LINE;
}

/* Whether the terminal bears what is to be shown; if not, why. */
static bool can_be_shown(const struct options *options, char why[TERMINAL_TEXT])
{
    if (!options->live) {
        return true;
    }
    if (options->trace && isatty(STDOUT_FILENO)) {
        snprintf(why, TERMINAL_TEXT, "--trace and --live both want the terminal");
        return false;
    }
    return terminal_fits(why);
}

/* None when the run was stopped before its warm-up was over. */
static uint64_t elapsed_ns(const struct course *course, uint64_t end_ns)
{
    return excess_of(end_ns, course->begin_ns);
}

/* How many requests of an open loop were due before the end. */
static uint64_t count_due(const struct course *course, const struct report *report)
{
    uint64_t whole_ns = elapsed_ns(course, course_end(course));
    if (report->plan->rate == 0) {
        return 0;
    }
    uint64_t due = plan_due_before(report->plan, lesser_of(report->elapsed_ns, whole_ns));
    return greater_of(lesser_of(due, course->requests), report->tally->sent);
}

/* Carries out the plan and fills the report. 0, or -errno after log_error(). */
static int run(struct report *report, struct watch *watch, struct tally *tally,
               struct tally *warmup, const struct options *options)
{
    int error = watch_init(watch, &load_model, report->plan, what_to_show(options));
    if (error < 0) {
        log_error("no run can be watched over: %s", strerror(-error));
        return error;
    }
    report->started_ms = wall_ms();
    error = load_run(report->plan, watch, tally, warmup);
    report->begin_ns = watch->course.begin_ns;
    report->elapsed_ns = elapsed_ns(&watch->course, tally->ended_ns);
    report->cpu_user_ns = watch->evidence.cpu_user_ns;
    report->cpu_system_ns = watch->evidence.cpu_system_ns;
    report->due = count_due(&watch->course, report);
    report->interrupted = watch->interrupted;
    report->evidence = watch->evidence;
    return error;
}

/* Whether requests failed that were not allowed to. */
static bool has_failed(const struct report *report)
{
    const struct tally *tally = report->tally;
    bool allowed = require_allows_errors(report->thresholds, tally, report->elapsed_ns);
    return tally->failed + report->warmup->failed > 0 && !allowed;
}

/* The first that applies, in the order of the design. */
static enum exit_status judge(const struct report *report)
{
    if (report->interrupted) {
        return EXIT_INTERRUPTED;
    }
    if (has_failed(report)) {
        return EXIT_FAILED;
    }
    if (report->tally->ok == 0) {
        log_error("no request was answered well");
        return EXIT_FAILED;
    }
    if (trust_judge(report).verdict == NOT_TRUSTED) {
        return EXIT_DOUBTFUL;
    }
    bool hold = require_all_hold(report->thresholds, report->tally, report->elapsed_ns);
    return hold ? EXIT_WELL : EXIT_MISSED;
}

static bool is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

/* Where results go for programs. NULL: nowhere. */
struct outputs {
    FILE *json;
    FILE *hlog;
};

static int write_results(const struct report *report, const struct options *options,
                         const struct outputs *outputs)
{
    int json = outputs->json == NULL ? 0 : report_write_json(report, outputs->json);
    int hlog = outputs->hlog == NULL ? 0 : hlog_write(report, outputs->hlog);
    if (json != 0) {
        log_error("--json %s: %s", options->json_path, strerror(-json));
    }
    if (hlog != 0) {
        log_error("--hlog %s: %s", options->hlog_path, strerror(-hlog));
    }
    return json != 0 ? json : hlog;
}

static enum exit_status publish(const struct report *report, const struct options *options,
                                const struct outputs *outputs)
{
    if (!is_stdout(options->json_path) && !is_stdout(options->hlog_path)) {
        void (*print)(const struct report *, bool, FILE *) =
            options->wrk ? report_print_wrk : report_print;
        print(report, options->latency_table, stdout);
    }
    return write_results(report, options, outputs) == 0 ? judge(report) : EXIT_FAILED;
}

static enum exit_status run_plan(const struct plan *plan, const struct options *options,
                                 const struct outputs *outputs)
{
    struct watch watch = WATCH_NONE;
    struct tally *tallies = space_create(2, sizeof(*tallies)); /* the second one of the warm-up */
    struct report report = {
        .model = &load_model,
        .plan = plan,
        .tally = tallies,
        .warmup = tallies + 1,
        .thresholds = &options->thresholds,
        .fine_blocks = block_is_fine(),
    };
    enum exit_status status = EXIT_FAILED;
    if (tallies == NULL) {
        log_error("out of memory");
    } else if (run(&report, &watch, tallies, tallies + 1, options) == 0) {
        status = publish(&report, options, outputs);
    }
    watch_finish(&watch);
    space_destroy(tallies, 2, sizeof(*tallies));
    return status;
}

/* False when it cannot be. */
static bool open_output(const char *option, const char *path, FILE **file)
{
    *file = path == NULL ? NULL : is_stdout(path) ? stdout : fopen(path, "we");
    if (path != NULL && *file == NULL) {
        log_error("--%s %s: %s", option, path, strerror(errno));
        return false;
    }
    return true;
}

/* Opened before the run, so that a name that cannot be written does not cost its results. */
static bool open_outputs(struct outputs *outputs, const struct options *options)
{
    return open_output("json", options->json_path, &outputs->json) &&
           open_output("hlog", options->hlog_path, &outputs->hlog);
}

static void close_outputs(const struct outputs *outputs)
{
    if (outputs->json != NULL && outputs->json != stdout) {
        fclose(outputs->json);
    }
    if (outputs->hlog != NULL && outputs->hlog != stdout) {
        fclose(outputs->hlog);
    }
}

static enum exit_status run_options(const struct options *options)
{
    struct plan plan;
    char why[PLAN_TEXT];
    struct outputs outputs = {0};
    char unfit[TERMINAL_TEXT];
    if (!can_be_shown(options, unfit)) {
        return (enum exit_status)client_options_misuse(&load_model, unfit);
    }
    limits_raise_descriptors();
    struct means means = means_now();
    switch (plan_init(&plan, options, load_model.one_thread_each, &means, why)) {
    case PLAN_MISUSE:
        return (enum exit_status)client_options_misuse(&load_model, why);
    case PLAN_FAILURE:
        log_error("%s", why);
        return EXIT_FAILED;
    case PLAN_READY:
        break;
    }
    enum exit_status status = EXIT_FAILED;
    if (open_outputs(&outputs, options)) {
        status = run_plan(&plan, options, &outputs);
    }
    close_outputs(&outputs);
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
