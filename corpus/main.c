/* cristo-book: checks the novel's text and lays it out as files to serve. corpus/prepare, which
 * knows how to get the text, calls it. */

#include "corpus/book.h"
#include "corpus/docroot.h"
#include "corpus/standin.h"
#include "lib/base/log.h"
#include "lib/base/options.h"
#include "lib/base/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum action {
    ACTION_MAKE,
    ACTION_CHECK,
    ACTION_LOOK,
    ACTION_STAND_IN,
};

struct wish {
    enum action action;
    const char *operand; /* of the action, when it is not ACTION_MAKE */
    const char *source;
    uint64_t quality;
    uint64_t seed;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static const char *take_check(void *into, const char *argument)
{
    struct wish *wish = into;
    wish->action = ACTION_CHECK;
    wish->operand = argument;
    return NULL;
}

static const char *take_look(void *into, const char *argument)
{
    struct wish *wish = into;
    wish->action = ACTION_LOOK;
    wish->operand = argument;
    return NULL;
}

static const char *take_stand_in(void *into, const char *argument)
{
    struct wish *wish = into;
    wish->action = ACTION_STAND_IN;
    wish->operand = argument;
    return NULL;
}

static const char *take_source(void *into, const char *argument)
{
    ((struct wish *)into)->source = argument;
    return strchr(argument, '\n') != NULL || strlen(argument) >= TEXT_WRONG - 1
               ? "is not one short line"
               : NULL;
}

static const char *take_quality(void *into, const char *argument)
{
    return units_read_count(argument, 0, 11, &((struct wish *)into)->quality)
               ? NULL
               : "is not a number from 0 to 11";
}

static const char *take_seed(void *into, const char *argument)
{
    return units_read_count(argument, 0, UINT64_MAX, &((struct wish *)into)->seed)
               ? NULL
               : "is not a number";
}

static const struct option_spec specs[] = {
    {.name = "check",
     .argument = "FILE",
     .help = "only check the text: status 0 when it is the whole novel or a stand-in",
     .take = take_check,
     .group = "Instead of laying out"},
    {.name = "look",
     .argument = "DOCROOT",
     .help = "only print what is there: absent, foreign, outdated, or novel or stand-in and where "
             "its text comes from; status 0 for the last two",
     .take = take_look},
    {.name = "stand-in",
     .argument = "FILE",
     .help = "write the made-up text that stands in for the novel; - is stdout",
     .take = take_stand_in},
    {.name = "source",
     .argument = "WORDS",
     .help = "where FILE comes from, for the contents page (default: what the text says itself)",
     .take = take_source,
     .group = "Details"},
    {.name = "quality",
     .argument = "N",
     .help = "how hard brotli works, 0..11 (default 11)",
     .take = take_quality},
    {.name = "seed",
     .argument = "N",
     .help = "of the made-up text (default 1184)",
     .take = take_seed},
    {0},
};

static const struct option_table table = {
    .program = "cristo-book",
    .usage = "[OPTION]... FILE DOCROOT",
    .about = "Checks FILE, the plain text of The Count of Monte Cristo, and lays it out in the "
             "folder DOCROOT: the whole text, its 117 chapters, a page of contents, and all of "
             "them compressed. A DOCROOT made before is replaced as a whole, and untouched when "
             "anything is wrong.",
    .version = CRISTO_VERSION,
    .specs = specs,
};

/* Loads and reads a book; says what is wrong with it. The text is the caller's to free. */
static bool load(const char *path, struct bytes *text, struct book *book)
{
    char wrong[TEXT_WRONG];
    if (!text_load(path, text, wrong)) {
        log_error("%s: %s", path, wrong);
        return false;
    }
    if (!book_read(*text, book, wrong)) {
        log_error("%s: %s", path, wrong);
        free((char *)text->at);
        return false;
    }
    return true;
}

static void print_summary(const char *path, const struct book *book)
{
    char size[UNITS_TEXT];
    printf("%s: %s, %d chapters, %s bytes\n", path,
           book->stand_in ? "a stand-in for the novel" : "the novel", BOOK_CHAPTERS,
           units_write_count(size, book->whole.len));
}

static int check(const char *path)
{
    static struct book book;
    struct bytes text;
    if (!load(path, &text, &book)) {
        return 1;
    }
    print_summary(path, &book);
    free((char *)text.at);
    return 0;
}

static int look(const char *path)
{
    static const char *const words[] = {
        [DOCROOT_ABSENT] = "absent",     [DOCROOT_FOREIGN] = "foreign",
        [DOCROOT_OUTDATED] = "outdated", [DOCROOT_NOVEL] = "novel",
        [DOCROOT_STAND_IN] = "stand-in",
    };
    char source[TEXT_WRONG];
    enum docroot_kind kind = docroot_look(path, source);
    printf("%s%s%s\n", words[kind], *source != '\0' ? " " : "", source);
    return kind == DOCROOT_NOVEL || kind == DOCROOT_STAND_IN ? 0 : 1;
}

static int stand_in(const char *path, uint64_t seed)
{
    struct bytes text;
    if (!standin_write(seed, &text)) {
        log_error("%s", strerror(ENOMEM));
        return 1;
    }
    FILE *to = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    bool fine = to != NULL && fwrite(text.at, 1, text.len, to) == text.len;
    fine = to != NULL && fclose(to) == 0 && fine;
    if (!fine) {
        log_error("%s: %s", path, strerror(errno));
    }
    free((char *)text.at);
    return fine ? 0 : 1;
}

static int make(const char *path, const char *folder, const struct wish *wish)
{
    static struct book book;
    char wrong[TEXT_WRONG];
    struct bytes text;
    bool brotli = false;
    if (!load(path, &text, &book)) {
        return 1;
    }
    const char *known = book.gutenberg ? "Project Gutenberg, e-book 1184" : "as given";
    struct docroot_order order = {
        .book = &book,
        .path = folder,
        .source = wish->source != NULL ? wish->source : known,
        .brotli_quality = (unsigned)wish->quality,
        .ended = &ended,
    };
    bool fine = docroot_make(&order, &brotli, wrong);
    if (!fine) {
        log_error("%s: %s", folder, wrong);
    } else {
        print_summary(folder, &book);
        if (!brotli) {
            log_warn("there is no brotli command: no .br files");
        }
    }
    free((char *)text.at);
    return fine ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct wish wish = {.quality = 11, .seed = STANDIN_SEED};
    int operand;
    log_program(table.program);
    switch (options_read(&table, argc, argv, &wish, &operand)) {
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_MISUSE:
        return 2;
    case OPTIONS_RUN:
        break;
    }
    if (argc - operand != (wish.action == ACTION_MAKE ? 2 : 0)) {
        options_misuse(&table, wish.action == ACTION_MAKE ? "wants a FILE and a DOCROOT"
                                                          : "wants nothing but its option");
        return 2;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    switch (wish.action) {
    case ACTION_CHECK:
        return check(wish.operand);
    case ACTION_LOOK:
        return look(wish.operand);
    case ACTION_STAND_IN:
        return stand_in(wish.operand, wish.seed);
    case ACTION_MAKE:
        break;
    }
    return make(argv[operand], argv[operand + 1], &wish);
}
