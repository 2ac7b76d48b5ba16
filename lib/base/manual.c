#include "lib/base/manual.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LINE_LONG = 64 /* where a line of roff ends, give or take a word and what sets it off */
};

/* The page that is being written. */
struct page {
    const struct option_table *table;
    size_t column; /* of the line of running text; 0: at its beginning */
};

/* --- roff ------------------------------------------------------------------------------------- */

/* One character of UTF-8, as groff_char(7) names what is not ASCII; returns how many bytes it is.
 */
static size_t put_wide(const char *at)
{
    unsigned char first = (unsigned char)*at;
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t code = first & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    }
    printf("\\[u%04X]", (unsigned)code);
    return size;
}

/* What roff would take for something else (man(7), groff_man_style(7)): a dash is a minus, so that
 * options can be copied, and quotes stay straight. */
static const char *escaped(char byte)
{
    switch (byte) {
    case '\\':
        return "\\(rs";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '"':
        return "\\(dq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    default:
        return NULL;
    }
}

/* Text within a line. "@" is the program. */
static void put_text(const struct page *page, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        if ((unsigned char)text[i] >= 0x80) {
            i += put_wide(text + i);
            continue;
        }
        const char *escape = escaped(text[i]);
        if (text[i] == '@') {
            put_text(page, page->table->program, strlen(page->table->program));
        } else if (escape != NULL) {
            printf("%s", escape);
        } else {
            putchar(text[i]);
        }
        i++;
    }
}

static void put_string(const struct page *page, const char *text)
{
    put_text(page, text, strlen(text));
}

static void put_styled(const struct page *page, char font, const char *text, size_t length)
{
    printf("\\f%c", font);
    put_text(page, text, length);
    printf("\\fR");
}

/* A request on a line of its own, with or without an argument. */
static void put_request(const struct page *page, const char *request, const char *argument)
{
    printf(".%s", request);
    if (argument != NULL) {
        printf(" ");
        put_string(page, argument);
    }
    printf("\n");
}

/* --- words ------------------------------------------------------------------------------------ */

static bool is_word(const char *text, size_t length, const char *word)
{
    return word != NULL && strlen(word) == length && memcmp(text, word, length) == 0;
}

/* Whether it stands for something that the user fills in: "DOCROOT", "T". */
static bool is_placeholder(const struct page *page, const char *text, size_t length)
{
    struct options_walk walk = {.table = page->table};
    const char *usage = page->table->usage;
    while (*(usage += strcspn(usage, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) != '\0') {
        size_t size = strspn(usage, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (size == length && memcmp(usage, text, size) == 0) {
            return true;
        }
        usage += size;
    }
    while (options_next(&walk)) {
        if (is_word(text, length, walk.spec->argument)) {
            return true;
        }
    }
    return false;
}

/* "-c", "--listen" */
static bool is_option(const char *text, size_t length)
{
    return length > 1 && text[0] == '-' && (text[1] == '-' || isalpha((unsigned char)text[1]));
}

/* "openat2(2)": the length of its name, 0 if it is no page. */
static size_t page_name(const char *text, size_t length)
{
    return length > 3 && text[length - 3] == '(' && isdigit((unsigned char)text[length - 2]) &&
                   text[length - 1] == ')'
               ? length - 3
               : 0;
}

/* The core of a word, without the punctuation around it. */
static void put_core(const struct page *page, const char *text, size_t length)
{
    size_t name = page_name(text, length);
    if (name > 0) {
        put_styled(page, 'B', text, name);
        put_text(page, text + name, length - name);
    } else if (is_option(text, length) || is_word(text, length, "@")) {
        put_styled(page, 'B', text, length);
    } else if (is_placeholder(page, text, length)) {
        put_styled(page, 'I', text, length);
    } else {
        put_text(page, text, length);
    }
}

static void put_word(const struct page *page, const char *text, size_t length)
{
    size_t from = strspn(text, "(\"");
    size_t end = length;
    while (end > from && strchr(".,:;\"", text[end - 1]) != NULL) {
        end--;
    }
    if (end > from && text[end - 1] == ')' && page_name(text + from, end - from) == 0) {
        end--;
    }
    if (end <= from) {
        put_text(page, text, length);
        return;
    }
    put_text(page, text, from);
    put_core(page, text + from, end - from);
    put_text(page, text + end, length - end);
}

/* Adds a word to the running text. A sentence ends its line, and a dot at the beginning of one is
 * kept from being a request. */
static void add_word(struct page *page, const char *text, size_t length)
{
    if (page->column > LINE_LONG) {
        printf("\n");
        page->column = 0;
    } else if (page->column > 0) {
        printf(" ");
    }
    if (*text == '.') {
        printf("\\&");
    }
    put_word(page, text, length);
    page->column += length + 1;
    if (text[length - 1] == '.') {
        page->column = LINE_LONG + 1;
    }
}

static void put_paragraph(struct page *page, const char *text)
{
    while (*(text += strspn(text, " ")) != '\0') {
        size_t length = strcspn(text, " ");
        add_word(page, text, length);
        text += length;
    }
    printf("\n");
    page->column = 0;
}

/* --- the page --------------------------------------------------------------------------------- */

static bool is_for(const struct option_table *table, enum option_owner owner)
{
    return owner == OPTION_BOTH || owner == table->me;
}

static void put_entry(struct page *page, const struct manual_entry *entry, bool is_first)
{
    if (entry->term != NULL) {
        put_request(page, "TP", NULL);
        put_styled(page, 'B', entry->term, strlen(entry->term));
        printf("\n");
    } else if (!is_first) { /* a heading begins a paragraph by itself */
        put_request(page, "PP", NULL);
    }
    put_paragraph(page, entry->text);
    if (entry->command != NULL) {
        put_request(page, "PP", NULL);
        put_request(page, "RS", "4");
        put_request(page, "EX", NULL);
        put_string(page, entry->command);
        printf("\n");
        put_request(page, "EE", NULL);
        put_request(page, "RE", NULL);
    }
}

static void put_entries(struct page *page, const struct manual_section *section, bool is_first)
{
    for (const struct manual_entry *entry = section->entries; entry->text != NULL; entry++) {
        if (is_for(page->table, entry->owner)) {
            put_entry(page, entry, is_first);
            is_first = false;
        }
    }
}

/* The help text as a sentence of its own. */
static void put_help(struct page *page, const char *help)
{
    char *text;
    size_t length = strlen(help);
    bool ends = length > 0 && help[length - 1] == '.';
    if (asprintf(&text, "%c%s%s", toupper((unsigned char)help[0]), help + 1, ends ? "" : ".") > 0) {
        put_paragraph(page, text);
        free(text);
    }
}

static void put_option(struct page *page, const struct options_walk *walk)
{
    const struct option_spec *spec = walk->spec;
    put_request(page, "TP", NULL);
    if (walk->letter != 0) {
        printf("\\fB\\-%c\\fR, ", walk->letter);
    }
    printf("\\fB\\-\\-");
    put_string(page, spec->name);
    printf("\\fR");
    if (spec->argument != NULL) {
        printf(" ");
        put_styled(page, 'I', spec->argument, strlen(spec->argument));
    }
    printf("\n");
    put_help(page, spec->help);
}

static void put_options(struct page *page)
{
    struct options_walk walk = {.table = page->table};
    put_request(page, "SH", "OPTIONS");
    while (options_next(&walk)) {
        if (walk.heading != NULL) {
            put_request(page, "SS", walk.heading);
        }
        put_option(page, &walk);
    }
}

/* The day of the build, or the one that builds which can be repeated are given
 * (reproducible-builds.org). */
static void put_day(void)
{
    const char *given = getenv("SOURCE_DATE_EPOCH");
    time_t moment = given != NULL ? (time_t)strtoll(given, NULL, 10) : time(NULL);
    struct tm day;
    char text[16];
    gmtime_r(&moment, &day);
    strftime(text, sizeof text, "%Y-%m-%d", &day);
    printf("%s", text);
}

static void put_title(struct page *page, const struct manual *manual)
{
    printf(".TH \"");
    for (const char *at = page->table->program; *at != '\0'; at++) {
        char upper = (char)toupper((unsigned char)*at);
        put_text(page, &upper, 1);
    }
    printf("\" 1 ");
    put_day();
    printf(" \"cristo %s\" \"User Commands\"\n", page->table->version);
    put_request(page, "SH", "NAME");
    put_string(page, page->table->program);
    printf(" \\- ");
    put_string(page, manual->brief);
    printf("\n");
    put_request(page, "SH", "SYNOPSIS");
    put_styled(page, 'B', "@", 1);
    printf(" ");
    put_string(page, page->table->usage);
    printf("\n");
}

static void put_page(struct page *page, const struct manual *manual)
{
    const struct manual_section *section = manual->sections;
    put_title(page, manual);
    put_request(page, "SH", "DESCRIPTION");
    put_paragraph(page, page->table->about);
    put_entries(page, section++, false);
    put_options(page);
    for (; section->title != NULL; section++) {
        put_request(page, "SH", section->title);
        put_entries(page, section, true);
    }
}

/* --- completion ------------------------------------------------------------------------------- */

static bool takes_file(const struct option_spec *spec)
{
    const char *argument = spec->argument;
    return strncmp(argument, "FILE", 4) == 0 || strcmp(argument, "PATH") == 0;
}

/* One label of the case: the options whose argument is a file, or the others that take one. */
static void put_label(const struct option_table *table, bool files, const char *action)
{
    struct options_walk walk = {.table = table};
    const char *before = "    ";
    while (options_next(&walk)) {
        const struct option_spec *spec = walk.spec;
        if (spec->argument == NULL || takes_file(spec) != files) {
            continue;
        }
        printf("%s--%s", before, spec->name);
        before = " | ";
        if (walk.letter != 0) {
            printf(" | -%c", walk.letter);
        }
    }
    if (*before == ' ' && before[1] == '|') {
        printf(")\n        %s\n        return\n        ;;\n", action);
    }
}

/* A function of bash: names of options, files where one takes a file, and the operand. */
static void put_completion(const struct option_table *table, const struct manual *manual)
{
    struct options_walk walk = {.table = table};
    char function[64];
    snprintf(function, sizeof function, "_%s", table->program);
    for (char *at = function; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : *at;
    }
    printf("# bash completion for %s\n%s()\n{\n", table->program, function);
    printf("    local word=${COMP_WORDS[COMP_CWORD]}\n    COMPREPLY=()\n"
           "    case ${COMP_WORDS[COMP_CWORD - 1]} in\n");
    put_label(table, true, "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")");
    put_label(table, false, ": # not to be guessed");
    printf("    esac\n    if [[ $word == -* ]]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W '");
    for (const char *before = ""; options_next(&walk); before = " ") {
        printf("%s--%s", before, walk.spec->name);
    }
    printf("' -- \"$word\")\n");
    if (manual->takes_folder) {
        printf("    else\n        mapfile -t COMPREPLY < <(compgen -d -- \"$word\")\n");
    }
    printf("    fi\n}\ncomplete -o filenames -F %s %s\n", function, table->program);
}

int manual_main(const struct option_table *table, const struct manual *manual, const char *form)
{
    struct page page = {.table = table};
    if (strcmp(form, "page") == 0) {
        put_page(&page, manual);
    } else if (strcmp(form, "completion") == 0) {
        put_completion(table, manual);
    } else {
        return 2;
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
