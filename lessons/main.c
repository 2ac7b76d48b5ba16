/* cristo-lesson: the lessons in the order of teaching, and how one is asked for. */
#include "lessons/lesson.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/log.h"
#include "lib/base/options.h"
#include "lib/base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct lesson lessons[] = {
    {.name = "say",
     .ways = "sync|async",
     .run = lesson_say,
     .brief = "two waits, in turn and together"},
    {.name = "sleep",
     .run = lesson_sleep,
     .brief = "to await is not yet to do things together: four waits in one task"},
    {.name = "loop",
     .run = lesson_loop,
     .brief = "an event loop from scratch: a list of timers, and one wait"},
    {.name = "gather",
     .run = lesson_gather,
     .brief = "four tasks together; results come in the order of asking"},
    {.name = "tasks",
     .run = lesson_tasks,
     .brief = "tasks that are started ahead, and awaited when they are needed"},
    {.name = "coroutine",
     .run = lesson_coroutine,
     .brief = "a coroutine that nobody started does not run before it is awaited"},
    {.name = "baton",
     .numbers = {{"N", 1, 100, 5}},
     .run = lesson_baton,
     .brief = "a sleep of 0 passes the baton: two counters take turns"},
    {.name = "count",
     .ways = "sync|async",
     .run = lesson_count,
     .brief = "three counts of one, a wait, two"},
    {.name = "hello",
     .ways = "blocking|callback|generator|coroutine|thread|process",
     .numbers = {{"N", 1, 100, 3}},
     .run = lesson_hello,
     .brief = "six ways to stop in the middle and go on later"},
    {.name = "chess",
     .numbers = {{"BOARDS", 1, 200, 24},
                 {"CHAMPION", 1, 3600, 5},
                 {"OPPONENTS", 1, 3600, 55},
                 {"MOVES", 1, 200, 30}},
     .speed = 3600,
     .run = lesson_chess,
     .brief = "the exhibition: one game after another, or walking round the boards"},
    {.name = "queue",
     .ways = "1|2|3|4|5|6|7",
     .run = lesson_queue,
     .brief = "one queue of things to do, and seven ways to work it off"},
    {.name = "fib",
     .ways = "sync|gen|async|threads|processes|all",
     .numbers = {{"N", 1, 45, 30}},
     .run = lesson_fib,
     .brief = "computation: what a loop costs, and what it does not give"},
    {.name = "chores",
     .ways = "sync|async|yielding",
     .run = lesson_chores,
     .brief = "machines wait by themselves, potatoes want attention"},
    {.name = "files",
     .ways = "sync|async",
     .numbers = {{"N", 5, 1000, 300}},
     .run = lesson_files,
     .brief = "regular files never say that they would block"},
    {.name = "titles",
     .ways = "sync|async|queue",
     .numbers = {{"N", 1, 1000, 4}},
     .file = "FILE",
     .run = lesson_titles,
     .brief = "the titles of many pages: one by one, all at once, N at a time"},
    {.name = "blocking",
     .run = lesson_blocking,
     .brief = "library calls that stop a loop, and what to use instead"},
    {.name = "compare",
     .numbers = {{"MOST", 1, 100000, 0}},
     .run = lesson_compare,
     .brief = "processes, threads and tasks, measured on this machine"},
};

enum {
    LESSONS = sizeof(lessons) / sizeof(*lessons)
};

/* --- the command line ------------------------------------------------------------------------- */

struct options {
    double speed; /* 0: the lesson's own */
    const char *svg, *events;
};

static const char *take_speed(void *into, const char *argument)
{
    struct options *options = into;
    char *end;
    double speed = strtod(argument, &end);
    if (end == argument || *end != '\0' || !isfinite(speed) || speed < 0.01 || speed > 1e6) {
        return "is not a number from 0.01 to 1000000";
    }
    options->speed = speed;
    return NULL;
}

static const char *take_svg(void *into, const char *argument)
{
    struct options *options = into;
    options->svg = argument;
    return *argument == '\0' ? "is no name of a file" : NULL;
}

static const char *take_events(void *into, const char *argument)
{
    struct options *options = into;
    options->events = argument;
    return *argument == '\0' ? "is no name of a file" : NULL;
}

static const struct option_spec specs[] = {
    {.letter = 's',
     .name = "speed",
     .argument = "X",
     .help = "divide all waits by X. Default 1, and 3600 for chess",
     .take = take_speed},
    {.name = "svg",
     .argument = "FILE",
     .help = "draw the time line as a picture, too",
     .take = take_svg},
    {.name = "events",
     .argument = "FILE",
     .help = "write every mark of the time line, for programs: JSON, one object to a line",
     .take = take_events},
    {0},
};

static const struct option_table table = {
    .program = "cristo-lesson",
    .usage = "[OPTION]... list | NAME [ARG...]",
    .about =
        "Small programs that explain synchronous and asynchronous programming. \"list\" names "
        "them in the order of teaching; a name with a word that is none of its own says which "
        "there are. Each ends with a time line: who ran, who waited, and who was kept waiting.",
    .version = CRISTO_VERSION,
    .specs = specs,
};

/* "sync|async [N] [FILE]" */
static void print_words(const struct lesson *lesson, FILE *to)
{
    if (lesson->ways != NULL) {
        fprintf(to, " %s", lesson->ways);
    }
    for (unsigned i = 0; i < LESSON_NUMBERS && lesson->numbers[i].name != NULL; i++) {
        fprintf(to, " [%s]", lesson->numbers[i].name);
    }
    if (lesson->file != NULL) {
        fprintf(to, " [%s]", lesson->file);
    }
}

/* Says how the lesson, or the program, is used. Returns the status. */
static int usage(const struct lesson *lesson)
{
    fprintf(stderr, "Usage: %s ", table.program);
    if (lesson == NULL) {
        fprintf(stderr, "%s\n", table.usage);
    } else {
        fprintf(stderr, "[OPTION]... %s", lesson->name);
        print_words(lesson, stderr);
        fputs("\n", stderr);
    }
    return 2;
}

static int list(void)
{
    for (unsigned i = 0; i < LESSONS; i++) {
        printf("%-10s %s\n", lessons[i].name, lessons[i].brief);
    }
    return 0;
}

static const struct lesson *find_lesson(const char *name)
{
    for (unsigned i = 0; i < LESSONS; i++) {
        if (strcmp(lessons[i].name, name) == 0) {
            return &lessons[i];
        }
    }
    return NULL;
}

static bool is_among(const char *word, const char *ways)
{
    size_t length = strlen(word);
    for (const char *way = ways; way != NULL; way = strchr(way, '|')) {
        way += *way == '|';
        if (length > 0 && strcspn(way, "|") == length && strncmp(way, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Reads the words behind the lesson's name; true when all is as it should be. */
static bool take_words(const struct lesson *lesson, char **words, struct asked *asked)
{
    *asked = (struct asked){0};
    if (lesson->ways != NULL) {
        if (*words == NULL || !is_among(*words, lesson->ways)) {
            log_error("%s: %s: not one of %s", lesson->name, *words != NULL ? *words : "nothing",
                      lesson->ways);
            return false;
        }
        asked->way = *words++;
    }
    for (unsigned i = 0; i < LESSON_NUMBERS && lesson->numbers[i].name != NULL; i++) {
        uint64_t low = lesson->numbers[i].low, high = lesson->numbers[i].high, number;
        asked->number[i] = lesson->numbers[i].usual;
        if (*words == NULL || (lesson->file != NULL && !isdigit((unsigned char)**words))) {
            continue;
        }
        if (!units_read_count(*words, low, high, &number)) {
            log_error("%s: %s: not a number from %u to %u", lesson->name, *words, (unsigned)low,
                      (unsigned)high);
            return false;
        }
        asked->number[i] = (unsigned)number;
        words++;
    }
    asked->file = lesson->file != NULL && *words != NULL ? *words++ : NULL;
    if (*words != NULL) {
        log_error("%s: %s: one word too many", lesson->name, *words);
        return false;
    }
    return true;
}

/* --- a lesson --------------------------------------------------------------------------------- */

static unsigned columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col < 60 ? 60 : size.ws_col > 120 ? 120 : size.ws_col;
    }
    return TIMELINE_COLUMNS;
}

static FILE *open_file(const char *option, const char *path, bool *fine)
{
    FILE *file = path != NULL ? fopen(path, "we") : NULL;
    if (path != NULL && file == NULL) {
        log_error("--%s: %s: %s", option, path, strerror(errno));
        *fine = false;
    }
    return file;
}

static bool close_file(const char *option, FILE *file, bool written)
{
    int error = errno;
    if (fclose(file) != 0 || !written) {
        log_error("--%s: %s", option, strerror(written ? errno : error));
        return false;
    }
    return true;
}

static bool publish(const char *title, FILE *svg, FILE *events)
{
    bool fine = timeline_close();
    if (!fine) {
        log_error("no memory for the time line");
        return false;
    }
    timeline_draw(stdout, columns());
    if (svg != NULL) {
        fine = close_file("svg", svg, timeline_write_svg(svg, title));
    }
    if (events != NULL) {
        fine = close_file("events", events, timeline_write_events(events)) && fine;
    }
    return fine && fflush(stdout) == 0;
}

static int run(const struct lesson *lesson, const struct asked *asked,
               const struct options *options)
{
    char title[160];
    bool fine = true;
    double usual = lesson->speed > 0 ? lesson->speed : 1;
    double speed = options->speed > 0 ? options->speed : usual;
    FILE *svg = open_file("svg", options->svg, &fine);
    FILE *events = open_file("events", options->events, &fine);
    if (!fine || !timeline_begin()) {
        return 1;
    }
    snprintf(title, sizeof(title), "%s%s%s: %s", lesson->name, asked->way != NULL ? " " : "",
             asked->way != NULL ? asked->way : "", lesson->brief);
    printf("%s\n", title);
    if (speed != 1) {
        printf("(%g times as fast; the clock shows what it would be)\n", speed);
    }
    printf("\n");
    fflush(stdout); /* or a forked process would say it again */
    stage_begin(speed);
    fine = lesson->run(asked);
    fine = publish(title, svg, events) && fine;
    timeline_end();
    return fine ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct asked asked;
    int operand;
    log_program(table.program);
    switch (options_read(&table, argc, argv, &options, &operand)) {
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_MISUSE:
        return usage(NULL);
    case OPTIONS_RUN:
        break;
    }
    char **words = &argv[operand];
    if (words[0] == NULL) {
        log_error("which lesson? \"%s list\" names them", table.program);
        return usage(NULL);
    }
    if (strcmp(words[0], "list") == 0 && words[1] == NULL) {
        return list();
    }
    const struct lesson *lesson = find_lesson(words[0]);
    if (lesson == NULL) {
        log_error("%s: no such lesson", words[0]);
        return usage(NULL);
    }
    return take_words(lesson, words + 1, &asked) ? run(lesson, &asked, &options) : usage(lesson);
}
