#include "corpus/book.h"

#include "corpus/standin.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE_MIN = 2400000,
    SIZE_MAX_BYTES = 3200000,
};

enum kind {
    KIND_BLANK,
    KIND_TEXT,
    KIND_HEADING, /* of a chapter, not its entry in the contents */
    KIND_VOLUME,
    KIND_PICTURE,
    KIND_NOTES,
    KIND_START,
    KIND_END,
};

/* A heading that was met, and the text found below it so far. */
struct candidate {
    unsigned number; /* 0: none was met */
    char title[BOOK_TITLE];
    struct bytes volume; /* empty: none */
    size_t line;
    const char *begin; /* NULL: no text yet */
    const char *end;
};

struct reading {
    struct book *book;
    size_t count; /* chapters read */
    struct candidate open;
    struct bytes volume; /* the last volume line met */
    size_t start_line;   /* of Project Gutenberg's START and END; 0: not met */
    size_t end_line;
    size_t last_line;
    struct bytes licence; /* what follows END */
    char *wrong;
};

static bool tell(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool tell(struct reading *reading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->wrong, TEXT_WRONG, format, arguments);
    va_end(arguments);
    return false;
}

static bool starts_with(struct bytes words, const char *start)
{
    size_t length = strlen(start);
    return words.len >= length && memcmp(words.at, start, length) == 0;
}

bool book_is_picture(struct bytes words)
{
    size_t digits = 0;
    while (digits < words.len && isdigit((unsigned char)words.at[digits])) {
        digits++;
    }
    return digits >= 4 && words.len == digits + 1 && words.at[digits] == 'm';
}

/* "VOLUME ONE": capitals alone. */
static bool is_volume(struct bytes words)
{
    if (!starts_with(words, "VOLUME ") || words.len > 20) {
        return false;
    }
    for (size_t i = 0; i < words.len; i++) {
        if (!isupper((unsigned char)words.at[i]) && words.at[i] != ' ') {
            return false;
        }
    }
    return true;
}

/* "Chapter 1. Marseilles—The Arrival": the number and the title; 0: it is no heading. */
static unsigned read_heading(struct bytes words, struct bytes *title)
{
    if (!starts_with(words, "Chapter ")) {
        return 0;
    }
    unsigned number = 0;
    size_t at = strlen("Chapter ");
    while (at < words.len && number < 1000 && isdigit((unsigned char)words.at[at])) {
        number = 10 * number + (unsigned)(words.at[at++] - '0');
    }
    if (at + 2 >= words.len || words.at[at] != '.' || words.at[at + 1] != ' ') {
        return 0;
    }
    *title = (struct bytes){words.at + at + 2, words.len - at - 2};
    return number;
}

/* Whether a line is a chapter's heading: it has a blank line on either side, which an entry of the
 * contents has not. A long title takes a second line (chapter 61); *second tells. */
static bool is_heading(struct bytes words, bool blank_before, struct text_lines following,
                       bool *second)
{
    struct bytes title;
    struct text_line next;
    struct text_line after;
    *second = false;
    if (!blank_before || read_heading(words, &title) == 0) {
        return false;
    }
    if (!text_next(&following, &next) || next.words.len == 0) {
        return true;
    }
    *second = read_heading(next.words, &title) == 0 &&
              (!text_next(&following, &after) || after.words.len == 0);
    return *second;
}

/* What any line but a heading is. */
static enum kind line_kind(struct bytes words)
{
    if (words.len == 0) {
        return KIND_BLANK;
    }
    if (starts_with(words, "*** START OF")) {
        return KIND_START;
    }
    if (starts_with(words, "*** END OF")) {
        return KIND_END;
    }
    if (starts_with(words, "FOOTNOTES") && words.len <= sizeof "FOOTNOTES:" - 1) {
        return KIND_NOTES;
    }
    if (is_volume(words)) {
        return KIND_VOLUME;
    }
    return book_is_picture(words) ? KIND_PICTURE : KIND_TEXT;
}

/* The chapter's volume, which is a new one when its name differs from that of the one before. */
static size_t volume_of(struct book *book, struct bytes name)
{
    size_t count = book->volume_count;
    if (name.len == 0 || (count > 0 && bytes_equal(book->volumes[count - 1], name)) ||
        count == BOOK_VOLUMES_MAX) {
        return count > 0 ? count - 1 : 0;
    }
    book->volumes[count] = name;
    book->volume_count = count + 1;
    return count;
}

static bool refuse_order(struct reading *reading, unsigned number)
{
    unsigned wanted = (unsigned)reading->count + 1;
    size_t line = reading->open.line;
    if (number < wanted) {
        return tell(reading, "chapter %u comes after chapter %u (line %zu)", number, wanted - 1,
                    line);
    }
    if (wanted == 1) {
        return tell(reading, "chapter 1 is missing: the first one is chapter %u (line %zu)", number,
                    line);
    }
    if (number == wanted + 1) {
        return tell(reading, "chapter %u is missing after chapter %u (line %zu)", wanted,
                    wanted - 1, line);
    }
    return tell(reading, "chapters %u to %u are missing after chapter %u (line %zu)", wanted,
                number - 1, wanted - 1, line);
}

/* Ends the open chapter. A heading without text below it is one of a list: forgotten. */
static bool close_chapter(struct reading *reading)
{
    struct candidate *open = &reading->open;
    if (open->number == 0 || open->begin == NULL) {
        return true;
    }
    if (reading->count == BOOK_CHAPTERS) {
        return tell(reading, "chapter %u is one too many (line %zu): the novel has %d",
                    open->number, open->line, BOOK_CHAPTERS);
    }
    if (open->number != reading->count + 1) {
        return refuse_order(reading, open->number);
    }
    struct book_chapter *chapter = &reading->book->chapters[reading->count++];
    *chapter = (struct book_chapter){
        .text = {open->begin, (size_t)(open->end - open->begin)},
        .line = open->line,
        .volume = volume_of(reading->book, open->volume),
    };
    memcpy(chapter->title, open->title, sizeof chapter->title);
    return true;
}

static bool open_chapter(struct reading *reading, const struct text_line *line)
{
    if (!close_chapter(reading)) {
        return false;
    }
    struct candidate *open = &reading->open;
    struct bytes title;
    *open = (struct candidate){.volume = reading->volume, .line = line->number};
    open->number = read_heading(line->words, &title);
    snprintf(open->title, sizeof open->title, "%.*s", (int)title.len, title.at);
    return true;
}

static void continue_title(struct reading *reading, const struct text_line *line)
{
    char *title = reading->open.title;
    size_t used = strlen(title);
    snprintf(title + used, BOOK_TITLE - used, " %.*s", (int)line->words.len, line->words.at);
}

static bool take_line(struct reading *reading, const struct text_line *line, enum kind kind)
{
    bool fine = true;
    switch (kind) {
    case KIND_HEADING:
        return open_chapter(reading, line);
    case KIND_TEXT:
        if (reading->open.begin == NULL) {
            reading->open.begin = line->begin;
        }
        reading->open.end = line->end;
        break;
    case KIND_VOLUME:
        reading->volume = line->words;
        break;
    case KIND_START: /* nothing before it counts */
        reading->start_line = line->number;
        reading->open = (struct candidate){0};
        reading->count = 0;
        reading->book->volume_count = 0;
        break;
    case KIND_END:
        reading->end_line = line->number;
        fine = close_chapter(reading);
        reading->open = (struct candidate){0};
        break;
    case KIND_NOTES:
        fine = close_chapter(reading);
        reading->open = (struct candidate){0};
        break;
    case KIND_BLANK:
    case KIND_PICTURE:
        break;
    }
    return fine;
}

/* Lines to chapters; stops at the END line. */
static bool take_apart(struct reading *reading)
{
    struct text_lines lines = text_lines_of(reading->book->whole);
    struct text_line line;
    enum kind kind = KIND_BLANK;
    while (reading->end_line == 0 && text_next(&lines, &line)) {
        bool second;
        bool heading = is_heading(line.words, kind == KIND_BLANK, lines, &second);
        kind = heading ? KIND_HEADING : line_kind(line.words);
        if (!take_line(reading, &line, kind)) {
            return false;
        }
        if (second && text_next(&lines, &line)) {
            continue_title(reading, &line);
        }
        reading->last_line = line.number;
    }
    reading->licence = lines.rest;
    return reading->end_line != 0 || close_chapter(reading);
}

static bool check_count(struct reading *reading)
{
    if (reading->count == BOOK_CHAPTERS) {
        return true;
    }
    if (reading->count == 0) {
        return tell(reading, "is not the novel: no line is like \"Chapter 1. Marseilles\"");
    }
    return tell(reading, "is truncated: it ends in chapter %zu of %d (line %zu)", reading->count,
                BOOK_CHAPTERS, reading->last_line);
}

/* Letters and digits alone, in small letters, as far as there is room: so that neither line breaks
 * nor the style of the quotation marks matter. */
static void normalize(char *to, size_t room, struct bytes text)
{
    size_t used = 0;
    for (size_t i = 0; i < text.len && used + 1 < room; i++) {
        if (isalnum((unsigned char)text.at[i])) {
            to[used++] = (char)tolower((unsigned char)text.at[i]);
        }
    }
    to[used] = '\0';
}

static bool check_words(struct reading *reading)
{
    char words[128];
    const struct book_chapter *first = &reading->book->chapters[0];
    const struct book_chapter *last = &reading->book->chapters[BOOK_CHAPTERS - 1];
    normalize(words, sizeof words, first->text);
    if (strncmp(words, "onthe24thoffebruary1815", 23) != 0) {
        return tell(reading,
                    "is not the novel: chapter 1 does not begin with \"On the 24th of February, "
                    "1815\" (line %zu)",
                    first->line);
    }
    size_t tail = last->text.len < 100 ? last->text.len : 100;
    normalize(words, sizeof words, (struct bytes){last->text.at + last->text.len - tail, tail});
    if (strstr(words, "waitandhope") == NULL) {
        return tell(reading,
                    "is truncated or not the novel: chapter 117 does not end with \"Wait and "
                    "hope\" (line %zu)",
                    reading->last_line);
    }
    return true;
}

/* What Project Gutenberg began has an END line, and after it nothing or the licence, whose last
 * words have been the same for decades. */
static bool check_end(struct reading *reading)
{
    char words[128];
    struct bytes licence = reading->licence;
    if (reading->start_line == 0) {
        return true;
    }
    if (reading->end_line == 0) {
        return tell(reading,
                    "is truncated: it has a START line (line %zu) but no END line (last line %zu)",
                    reading->start_line, reading->last_line);
    }
    size_t tail = licence.len < 100 ? licence.len : 100;
    normalize(words, sizeof words, (struct bytes){licence.at + licence.len - tail, tail});
    if (words[0] != '\0' && strstr(words, "hearaboutnewebooks") == NULL) {
        return tell(reading, "is truncated: it ends within the licence that follows line %zu",
                    reading->end_line);
    }
    return true;
}

static bool check_size(struct reading *reading)
{
    size_t size = reading->book->whole.len;
    if (size >= SIZE_MIN && size <= SIZE_MAX_BYTES) {
        return true;
    }
    return tell(reading, "has %zu bytes; the novel has about 2.8 million", size);
}

bool book_read(struct bytes whole, struct book *book, char *wrong)
{
    *book = (struct book){.whole = whole, .stand_in = standin_is(whole)};
    struct reading reading = {.book = book, .wrong = wrong};
    bool fine = text_check(whole, wrong) && take_apart(&reading) && check_count(&reading) &&
                check_words(&reading) && check_end(&reading) && check_size(&reading);
    book->gutenberg = reading.start_line != 0 && reading.end_line != 0;
    return fine;
}
