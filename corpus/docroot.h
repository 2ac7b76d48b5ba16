/* The book laid out as files to serve:
 *
 *   count-of-monte-cristo.txt   the whole text, byte for byte as it was given
 *   chapters/001.txt .. 117.txt its chapters
 *   index.html                  the contents
 *   *.gz, *.br                  each of them compressed (.br when there is a brotli command)
 *   .cristo-book                what this is and where it comes from
 *
 * A docroot appears, and is replaced, as a whole: it is made beside its place and then renamed. */
#pragma once

#include "corpus/book.h"

#include <signal.h>

struct docroot_order {
    const struct book *book;
    const char *path;
    const char *source;                 /* where the text comes from, in words; one line */
    unsigned brotli_quality;            /* 0..11 */
    const volatile sig_atomic_t *ended; /* becomes true when the user has had enough */
};

/* Makes or replaces the docroot at `path`, whose parent folder exists. A folder that is there and
 * not empty is replaced only when it is one of ours. *brotli tells whether there are .br files.
 * False: `wrong` (TEXT_WRONG bytes) tells why, and whatever was there is untouched. */
bool docroot_make(const struct docroot_order *order, bool *brotli, char *wrong);

enum docroot_kind {
    DOCROOT_ABSENT,   /* nothing there, or an empty folder */
    DOCROOT_FOREIGN,  /* something else */
    DOCROOT_OUTDATED, /* one of ours, but laid out by another version, or without its text */
    DOCROOT_NOVEL,
    DOCROOT_STAND_IN,
};

/* What is at `path`. `source` (TEXT_WRONG bytes) becomes the words given when it was made, "" for
 * the first three. */
enum docroot_kind docroot_look(const char *path, char *source);
