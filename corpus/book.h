/* The novel as a plain text, taken apart: volumes, chapters and what stands around them.
 *
 * Project Gutenberg's e-book 1184 has a licence before a START line and after an END line, a list
 * of contents that repeats every chapter's title, numbered names of pictures ("0023m") between the
 * paragraphs, and footnotes at the end. The stand-in (standin.h) has the same form without the
 * licence. */
#pragma once

#include "corpus/text.h"

enum {
    BOOK_CHAPTERS = 117,
    BOOK_VOLUMES_MAX = 8,
    BOOK_TITLE = 160,
};

struct book_chapter {
    char title[BOOK_TITLE]; /* "Marseilles—The Arrival", on one line */
    struct bytes text;      /* what follows, from its first line of text to its last */
    size_t line;            /* where the heading stands */
    size_t volume;          /* index into volumes; meaningless when there are none */
};

/* All views point into `whole`. */
struct book {
    struct bytes whole;
    bool stand_in;  /* by its own first line */
    bool gutenberg; /* it has Project Gutenberg's START and END lines */
    size_t volume_count;
    struct bytes volumes[BOOK_VOLUMES_MAX]; /* "VOLUME ONE" */
    struct book_chapter chapters[BOOK_CHAPTERS];
};

/* Takes `whole` apart and checks it: plain text, 117 chapters in order, its first and last words,
 * complete to its end, and the size of the novel. False: `wrong` (TEXT_WRONG bytes) tells what is
 * wrong and in which line, to be put after the file's name; *book is then undefined. Keeps `whole`,
 * which has to outlive the book. */
bool book_read(struct bytes whole, struct book *book, char *wrong);

/* Whether a line is the name of a picture, "0023m", and no part of the text. */
bool book_is_picture(struct bytes words);
