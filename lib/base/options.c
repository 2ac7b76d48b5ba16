#include "lib/base/options.h"

#include "lib/base/log.h"

#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What getopt_long() returns for the spec at index i is NAMED + i when it was given by its long
 * name, the letter itself otherwise. */
enum {
    NAMED = 256,
    HELP_COLUMN = 29,
    HELP_WIDTH = 80,
};

static const struct option_spec common[] = {
    {.letter = 'h', .name = "help", .help = "print this page", .group = "Other"},
    {.letter = 'V', .name = "version", .help = "print the version"},
};

/* The table in getopt's form; the two common options follow the table's own. */
struct form {
    size_t count; /* of the table's specs */
    struct option *longs;
    char *letters;
};

static bool is_mine(const struct option_table *table, const struct option_spec *spec)
{
    return table->me == OPTION_BOTH || spec->owner == OPTION_BOTH || spec->owner == table->me;
}

static size_t count_specs(const struct option_table *table)
{
    size_t count = 0;
    while (table->specs[count].name != NULL) {
        count++;
    }
    return count;
}

static bool has_letter(const struct option_table *table, char letter)
{
    for (const struct option_spec *spec = table->specs; spec->name != NULL; spec++) {
        if (spec->letter == letter) {
            return true;
        }
    }
    return false;
}

static char *add_letter(char *at, const struct option_spec *spec)
{
    *at++ = spec->letter;
    if (spec->argument != NULL) {
        *at++ = ':';
    }
    return at;
}

static struct option long_form(const struct option_spec *spec, size_t index)
{
    return (struct option){
        .name = spec->name,
        .has_arg = spec->argument != NULL ? required_argument : no_argument,
        .val = NAMED + (int)index,
    };
}

static bool form_init(struct form *form, const struct option_table *table)
{
    form->count = count_specs(table);
    form->longs = calloc(form->count + 3, sizeof *form->longs);
    form->letters = calloc(2 * form->count + 4, 1);
    if (form->longs == NULL || form->letters == NULL) {
        return false;
    }
    char *at = form->letters;
    *at++ = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < form->count; i++) {
        form->longs[i] = long_form(&table->specs[i], i);
        if (table->specs[i].letter != 0) {
            at = add_letter(at, &table->specs[i]);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        form->longs[form->count + i] = long_form(&common[i], form->count + i);
        if (!has_letter(table, common[i].letter)) {
            at = add_letter(at, &common[i]);
        }
    }
    return true;
}

static void form_finish(struct form *form)
{
    free(form->longs);
    free(form->letters);
}

/* The spec for a value of getopt_long(): mine where both programs use the letter. */
static const struct option_spec *find_spec(const struct option_table *table,
                                           const struct form *form, int value)
{
    if (value >= NAMED) {
        size_t index = (size_t)(value - NAMED);
        return index < form->count ? &table->specs[index] : &common[index - form->count];
    }
    const struct option_spec *found = NULL;
    for (size_t i = 0; i < form->count; i++) {
        const struct option_spec *spec = &table->specs[i];
        if (spec->letter == value && (found == NULL || is_mine(table, spec))) {
            found = spec;
        }
    }
    for (size_t i = 0; found == NULL && i < 2; i++) {
        found = common[i].letter == value ? &common[i] : NULL;
    }
    return found;
}

/* getopt_long() refused the word it had just read. */
static enum options_outcome refuse(const struct option_table *table, const struct form *form,
                                   const char *word, bool lacks_argument)
{
    if (optopt == 0) {
        return options_misuse(table, "%s: no such option", word);
    }
    const struct option_spec *spec = find_spec(table, form, optopt);
    if (spec == NULL) {
        return options_misuse(table, "-%c: no such option", optopt);
    }
    if (!is_mine(table, spec)) {
        return options_misuse(table, "--%s is an option of %s", spec->name, table->sister);
    }
    return lacks_argument
               ? options_misuse(table, "--%s needs an argument: %s", spec->name, spec->argument)
               : options_misuse(table, "--%s takes no argument", spec->name);
}

static void print_help(const struct option_table *table);

static enum options_outcome take(const struct option_table *table, const struct option_spec *spec,
                                 void *into)
{
    if (spec == &common[0]) {
        print_help(table);
        return OPTIONS_DONE;
    }
    if (spec == &common[1]) {
        printf("%s %s\n", table->program, table->version);
        return OPTIONS_DONE;
    }
    if (!is_mine(table, spec)) {
        return options_misuse(table, "--%s is an option of %s", spec->name, table->sister);
    }
    const char *wrong = spec->take(into, optarg);
    if (wrong == NULL) {
        return OPTIONS_RUN;
    }
    return spec->argument != NULL ? options_misuse(table, "--%s: %s: %s", spec->name, optarg, wrong)
                                  : options_misuse(table, "--%s: %s", spec->name, wrong);
}

static enum options_outcome read_all(const struct option_table *table, const struct form *form,
                                     int argc, char **argv, void *into)
{
    optind = 0; /* GNU: begin afresh, whatever was read before */
    opterr = 0;
    for (;;) {
        optarg = NULL;
        int value = getopt_long(argc, argv, form->letters, form->longs, NULL);
        if (value == -1) {
            return OPTIONS_RUN;
        }
        if (value == '?' || value == ':') {
            return refuse(table, form, argv[optind - 1], value == ':');
        }
        enum options_outcome outcome = take(table, find_spec(table, form, value), into);
        if (outcome != OPTIONS_RUN) {
            return outcome;
        }
    }
}

enum options_outcome options_read(const struct option_table *table, int argc, char **argv,
                                  void *into, int *operand)
{
    struct form form;
    if (!form_init(&form, table)) {
        log_fatal(1, "out of memory");
    }
    enum options_outcome outcome = read_all(table, &form, argc, argv, into);
    form_finish(&form);
    if (outcome == OPTIONS_RUN) {
        *operand = optind;
    }
    return outcome;
}

enum options_outcome options_misuse(const struct option_table *table, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "%s: ", table->program);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry '%s --help'.\n", table->program);
    return OPTIONS_MISUSE;
}

bool options_next(struct options_walk *walk)
{
    const struct option_table *table = walk->table;
    size_t own = count_specs(table);
    walk->pending = walk->index == 0 ? "Options" : walk->pending;
    while (walk->index < own + 2) {
        bool is_own = walk->index < own;
        const struct option_spec *spec =
            is_own ? &table->specs[walk->index] : &common[walk->index - own];
        walk->index++;
        walk->pending = spec->group != NULL ? spec->group : walk->pending;
        if (is_mine(table, spec)) {
            walk->spec = spec;
            walk->letter = is_own || !has_letter(table, spec->letter) ? spec->letter : 0;
            walk->heading = walk->pending; /* printed when one of its options is */
            walk->pending = NULL;
            return true;
        }
    }
    return false;
}

/* Columns that UTF-8 text takes on a terminal, as far as `length` bytes. */
static size_t columns(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Prints words from `column` on, in lines that begin at `indent`; ends the last one. */
static void print_wrapped(const char *text, size_t indent, size_t column)
{
    while (*(text += strspn(text, " ")) != '\0') {
        size_t length = strcspn(text, " ");
        size_t width = columns(text, length);
        if (column > indent && column + 1 + width > HELP_WIDTH) {
            printf("\n");
            column = 0;
        }
        if (column < indent) {
            printf("%*s", (int)(indent - column), "");
            column = indent;
        } else if (column > indent) {
            printf(" ");
            column++;
        }
        printf("%.*s", (int)length, text);
        column += width;
        text += length;
    }
    printf("\n");
}

static void print_spec(const struct option_spec *spec, bool has_short)
{
    char left[128];
    char letter[] = {'-', spec->letter, ',', '\0'};
    snprintf(left, sizeof left, "  %3s --%s%s%s", has_short ? letter : "", spec->name,
             spec->argument != NULL ? " " : "", spec->argument != NULL ? spec->argument : "");
    size_t column = columns(left, strlen(left));
    printf("%s", left);
    if (column + 1 > HELP_COLUMN) {
        printf("\n");
        column = 0;
    }
    print_wrapped(spec->help, HELP_COLUMN, column);
}

static void print_help(const struct option_table *table)
{
    struct options_walk walk = {.table = table};
    printf("Usage: %s %s\n\n", table->program, table->usage);
    print_wrapped(table->about, 0, 0);
    while (options_next(&walk)) {
        if (walk.heading != NULL) {
            printf("\n%s:\n", walk.heading);
        }
        print_spec(walk.spec, walk.letter != 0);
    }
    fflush(stdout);
}
