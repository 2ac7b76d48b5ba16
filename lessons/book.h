/* What the time line holds, for those who draw it. */
#pragma once

#include "lessons/timeline.h"

#include <stddef.h>

enum {
    BOOK_ENTRIES = 200 * 1000,
    BOOK_ROWS = 4000,
    BOOK_SCENES = 8,
};

struct entry {
    uint64_t at_ns;
    size_t index; /* in the order of writing */
    enum mark mark;
    int row; /* -1: none */
    unsigned scene;
    char text[TIMELINE_TEXT];
};

struct row {
    char name[TIMELINE_NAME];
    unsigned scene;
};

struct scene {
    const char *title; /* NULL: none */
    uint64_t begin_ns, end_ns;
    double zoom_s; /* 0: all of it is drawn */
};

/* From one mark of a row to its next. */
struct span {
    int row;
    enum mark mark;
    uint64_t from_ns, to_ns;
};

struct book {
    struct entry *entry; /* ordered by time once the book is closed */
    struct row *row;
    size_t entries, rows;
    struct span *span; /* ordered by their ends; made when the book is closed */
    size_t spans;
    struct scene scene[BOOK_SCENES];
    unsigned scenes;
};

const struct book *book_open(void);

/* How long a scene took, what the waits and the work of its rows add up to, and the row that had
 * the most of both. */
struct sums {
    uint64_t first_ns, last_ns; /* its first and last mark; equal when there is none */
    uint64_t sum_ns, longest_ns;
    size_t rows;
};

struct sums book_sums(const struct book *book, unsigned scene);

/* The steps of an axis that is to have at most `most` of them, and the text below one; its length.
 */
double book_step(double seconds, unsigned most);
int book_label(char *to, size_t size, double at_s, double step_s);

/* What a mark means, in a few words; NULL for those that are not drawn. */
const char *book_meaning(enum mark mark);
