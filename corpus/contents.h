/* The docroot's first page. */
#pragma once

#include "corpus/book.h"

/* index.html: the volumes and chapters by their titles, each a link to its file, the whole text,
 * and where the text comes from (`source`, in words). On success the page is the caller's to free
 * (page->at). False: out of memory. */
bool contents_write(const struct book *book, const char *source, struct bytes *page);
