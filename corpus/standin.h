/* The stand-in: made-up text in the shape of the novel, for machines that cannot get the novel.
 *
 * 117 chapters as long as the novel's, in five volumes and with a list of contents; words that come
 * as often as English words do, in paragraphs, speech and lines of the novel's length. Its first
 * line says what it is. Only its first and last sentences are the novel's, so that one check
 * serves both. */
#pragma once

#include "lib/http/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define STANDIN_SEED UINT64_C(1184)

/* Writes it into memory: the same seed gives the same bytes on every machine. On success the text
 * is the caller's to free (text->at). False: out of memory. */
bool standin_write(uint64_t seed, struct bytes *text);

/* Whether a text names itself a stand-in in its first line. */
bool standin_is(struct bytes text);
