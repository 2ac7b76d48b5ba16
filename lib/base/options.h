/* Command lines from one table: parsing, --help, --version, and the errors of misuse.
 *
 * A program describes each option once; the table drives getopt_long(3), the help text, and the
 * manual pages and completions that are made of it while building (manual.h). Two sister programs
 * share one table; an option that only the sister has is misuse whose message names the sister. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum option_owner {
    OPTION_BOTH,
    OPTION_SYNC,
    OPTION_ASYNC,
};

struct option_spec {
    char letter;          /* 0: none */
    const char *name;     /* long name, without dashes */
    const char *argument; /* placeholder, "T"; NULL: takes none */
    const char *help;     /* one paragraph; wrapped by the printer. Defaults are named here */
    enum option_owner owner;
    /* Takes the argument (NULL if none) into `into`. Returns NULL when fine, otherwise what was
     * wrong with it, as the end of "--name: ARGUMENT: ..." ("is not a duration (try 10s)"). Static
     * text. */
    const char *(*take)(void *into, const char *argument);
    const char *group; /* heading in --help; NULL: the same as the one above */
};

struct option_table {
    const char *program;  /* "cristo-async-server" */
    const char *sister;   /* "cristo-sync-server"; NULL: none */
    enum option_owner me; /* OPTION_SYNC or OPTION_ASYNC; OPTION_BOTH: everything is mine */
    const char *usage;    /* what follows the program's name: "[OPTION]... [DOCROOT]" */
    const char *about;    /* one paragraph below the usage */
    const char *version;
    const struct option_spec *specs; /* ended by one whose name is NULL */
};

enum options_outcome {
    OPTIONS_RUN,    /* go on; operands are argv[*operand ..] */
    OPTIONS_DONE,   /* --help or --version was printed to stdout: exit 0 */
    OPTIONS_MISUSE, /* the message is on stderr: exit 2 */
};

/* Reads the command line; permutes argv so that operands come last; "--" ends options. -h is
 * --help; -V is --version unless the table uses these letters itself. Not thread-safe (getopt). */
enum options_outcome options_read(const struct option_table *table, int argc, char **argv,
                                  void *into, int *operand);

/* Walks the options in the order of --help: the program's own, then --help and --version. Begin
 * with
 * {.table = table}. */
struct options_walk {
    const struct option_table *table;
    const struct option_spec *spec;
    char letter;         /* of it, 0: none; the table may have taken -h or -V for itself */
    const char *heading; /* of the group that begins with it; NULL: the group goes on */
    const char *pending; /* of a group none of whose options was the program's own so far */
    size_t index;        /* of what comes next */
};

/* Goes to the next option; false behind the last one. */
bool options_next(struct options_walk *walk);

/* "PROGRAM: message" and a line that points to --help, on stderr; returns OPTIONS_MISUSE. */
enum options_outcome options_misuse(const struct option_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
