/* One chapter as a file of its own. */
#pragma once

#include "corpus/book.h"

/* The chapter as people read it: its heading, an empty line, and its text with LF line ends and
 * without the names of pictures. On success the text is the caller's to free (text->at). False:
 * out of memory. */
bool chapter_write(unsigned number, const struct book_chapter *chapter, struct bytes *text);
