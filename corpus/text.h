/* Plain text in memory: loading it, and walking it line by line. */
#pragma once

#include "lib/http/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TEXT_WRONG = 256,    /* room for what is wrong with a text, in words */
    TEXT_MAX = 16 << 20, /* nothing that we read is nearly as long */
};

/* Loads a whole regular file of at most TEXT_MAX bytes. On success *text is the caller's to free
 * (text->at). False: `wrong` tells why, and nothing is held. */
bool text_load(const char *path, struct bytes *text, char *wrong);

/* Whether all of it is plain UTF-8 text (RFC 3629: no overlong forms, no surrogates) without
 * control characters other than line ends, tabs and form feeds. False: `wrong` tells what it is
 * instead, or where it stops being text. */
bool text_check(struct bytes text, char *wrong);

struct text_line {
    struct bytes words; /* without blanks at either end, and without the line's end */
    const char *end;    /* after its last character, trailing blanks and line end left out */
    const char *begin;  /* of the line itself, leading blanks included */
    size_t number;      /* from 1 */
};

struct text_lines {
    struct bytes rest;
    size_t number; /* of the last line given */
};

/* The lines of a text; a byte order mark at its beginning is no part of the first. Lines end in LF
 * or CR LF. */
struct text_lines text_lines_of(struct bytes text);

/* The next line; false when there is none. */
bool text_next(struct text_lines *lines, struct text_line *line);
