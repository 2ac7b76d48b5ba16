#include "lab/options.h"

#include "lib/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *take_out(void *into, const char *argument);
static const char *take_url(void *into, const char *argument);
static const char *take_pid(void *into, const char *argument);
static const char *take_quick(void *into, const char *argument);
static const char *take_repeats(void *into, const char *argument);
static const char *take_duration(void *into, const char *argument);
static const char *take_seed(void *into, const char *argument);
static const char *take_programs(void *into, const char *argument);
static const char *take_book(void *into, const char *argument);
static const char *take_quiet(void *into, const char *argument);

static const struct option_spec no_specs[] = {{0}};

static const struct option_spec run_specs[] = {
    {.letter = 'u',
     .name = "url",
     .argument = "URL",
     .help = "play the clients against a server of your own instead",
     .take = take_url,
     .group = "What to measure"},
    {.letter = 'p',
     .name = "pid",
     .argument = "PID",
     .help = "with --url: the process that serves it, or watches over its only child that does; it "
             "is watched in /proc",
     .take = take_pid},
    {.letter = 'q',
     .name = "quick",
     .help = "fewer repeats and shorter runs, as the experiment defines it: for a first look",
     .take = take_quick},
    {.letter = 'r',
     .name = "repeats",
     .argument = "N",
     .help = "how often each point is measured, 1 to 100. Default: the experiment's",
     .take = take_repeats},
    {.letter = 'd',
     .name = "duration",
     .argument = "T",
     .help = "how long each run takes. Default: the experiment's",
     .take = take_duration},
    {.letter = 's',
     .name = "seed",
     .argument = "N",
     .help = "of the order of the runs. Default: the experiment's",
     .take = take_seed},
    {.letter = 'o',
     .name = "out",
     .argument = "DIR",
     .help = "where to write the bundle; a folder that does not exist yet or is empty. Default: "
             "lab-results/NAME-DATE-TIME in the build folder, or here when installed",
     .take = take_out,
     .group = "Where things are"},
    {.name = "programs",
     .argument = "DIR",
     .help = "where servers and clients are: a build folder, or one folder with all of them. "
             "Default: where this program is",
     .take = take_programs},
    {.name = "book",
     .argument = "DIR",
     .help = "the prepared book to serve. Default: the one beside the programs",
     .take = take_book},
    {.name = "quiet", .help = "no progress line", .take = take_quiet, .group = "Output"},
    {0},
};

static const struct option_table table = {
    .program = "cristo-lab",
    .me = OPTION_BOTH,
    .usage = "list | run [OPTION]... EXPERIMENT | report BUNDLE",
    .about = "Measures threads against events and draws what comes of it. \"list\" names the "
             "experiments. \"run\" carries one out: it writes a bundle with every raw row, prints "
             "a table and draws the page. \"report\" draws the page of a bundle again. Each "
             "has a --help of its own.",
    .version = CRISTO_VERSION,
    .specs = no_specs,
};

static const struct option_table list_table = {
    .program = "cristo-lab list",
    .me = OPTION_BOTH,
    .usage = "[OPTION]",
    .about = "Names the experiments, with the question that each answers.",
    .version = CRISTO_VERSION,
    .specs = no_specs,
};

static const struct option_table run_table = {
    .program = "cristo-lab run",
    .me = OPTION_BOTH,
    .usage = "[OPTION]... EXPERIMENT",
    .about = "Carries out an experiment: one that \"cristo-lab list\" names, or a plan of your own "
             "in a file (PLAN.json). Ends with status 0 when all went well, 1 when requests failed "
             "or it could not go on, 130 when interrupted: the rows so far are kept.",
    .version = CRISTO_VERSION,
    .specs = run_specs,
};

static const struct option_table report_table = {
    .program = "cristo-lab report",
    .me = OPTION_BOTH,
    .usage = "BUNDLE",
    .about = "Draws report.html in the folder BUNDLE again, from its bundle.json alone.",
    .version = CRISTO_VERSION,
    .specs = no_specs,
};

static const struct command_row {
    const char *name;
    const struct option_table *table;
    const char *operand; /* what is missing when there is none; NULL: takes none */
} commands[] = {
    [COMMAND_LIST] = {"list", &list_table, NULL},
    [COMMAND_RUN] = {"run", &run_table, "which experiment? (cristo-lab list names them)"},
    [COMMAND_REPORT] = {"report", &report_table, "which bundle? (a folder with a bundle.json)"},
};

static enum options_outcome take_command(struct options *options, enum command command, int argc,
                                         char **argv);

enum options_outcome options_take(struct options *options, int argc, char **argv)
{
    int operand;
    *options = (struct options){0};
    if (argc > 1 && argv[1][0] != '-') {
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            if (strcmp(argv[1], commands[i].name) == 0) {
                return take_command(options, (enum command)i, argc - 1, argv + 1);
            }
        }
        return options_misuse(&table, "%s: no such command", argv[1]);
    }
    enum options_outcome outcome = options_read(&table, argc, argv, options, &operand);
    if (outcome != OPTIONS_RUN) {
        return outcome;
    }
    return options_misuse(&table, "which command? list, run or report");
}

static enum options_outcome take_command(struct options *options, enum command command, int argc,
                                         char **argv)
{
    const struct command_row *row = &commands[command];
    int operand = 0;
    enum options_outcome outcome = options_read(row->table, argc, argv, &options->run, &operand);
    if (outcome != OPTIONS_RUN) {
        return outcome;
    }
    options->command = command;
    int wanted = row->operand != NULL ? 1 : 0;
    if (argc - operand < wanted) {
        return options_misuse(row->table, "%s", row->operand);
    }
    if (argc - operand > wanted) {
        return options_misuse(row->table, "%s: one too many", argv[operand + wanted]);
    }
    options->operand = wanted == 1 ? argv[operand] : NULL;
    if (options->run.pid != 0 && options->run.url == NULL) {
        return options_misuse(row->table, "--pid goes with --url");
    }
    return OPTIONS_RUN;
}

static const char *take_out(void *into, const char *argument)
{
    struct run_options *options = into;
    options->out = argument;
    return *argument != '\0' ? NULL : "is no folder";
}

static const char *take_url(void *into, const char *argument)
{
    struct run_options *options = into;
    options->url = argument;
    if (strncmp(argument, "http://", 7) != 0 || argument[7] == '\0') {
        return "is not a URL (try http://127.0.0.1:8080/)";
    }
    for (const char *at = argument; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return "has a character that no URL has";
        }
    }
    return strlen(argument) < 4000 ? NULL : "is too long";
}

static const char *take_pid(void *into, const char *argument)
{
    struct run_options *options = into;
    uint64_t pid;
    if (!units_read_count(argument, 1, INT32_MAX, &pid)) {
        return "is not the number of a process";
    }
    options->pid = (pid_t)pid;
    return NULL;
}

static const char *take_quick(void *into, const char *argument)
{
    struct run_options *options = into;
    (void)argument;
    options->quick = true;
    return NULL;
}

static const char *take_repeats(void *into, const char *argument)
{
    struct run_options *options = into;
    uint64_t repeats;
    if (!units_read_count(argument, 1, 100, &repeats)) {
        return "is not a number from 1 to 100";
    }
    options->repeats = (unsigned)repeats;
    return NULL;
}

static const char *take_duration(void *into, const char *argument)
{
    struct run_options *options = into;
    options->duration = argument;
    if (!units_read_duration(argument, &options->duration_ns) ||
        options->duration_ns < 10 * 1000000) {
        return "is not a duration of 10ms or more (try 1s)";
    }
    return NULL;
}

static const char *take_seed(void *into, const char *argument)
{
    struct run_options *options = into;
    options->has_seed = true;
    return units_read_count(argument, 0, INT64_MAX, &options->seed) ? NULL : "is not a number";
}

static const char *take_programs(void *into, const char *argument)
{
    struct run_options *options = into;
    options->programs = argument;
    return NULL;
}

static const char *take_book(void *into, const char *argument)
{
    struct run_options *options = into;
    options->book = argument;
    return NULL;
}

static const char *take_quiet(void *into, const char *argument)
{
    struct run_options *options = into;
    (void)argument;
    options->quiet = true;
    return NULL;
}
