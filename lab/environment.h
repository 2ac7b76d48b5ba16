/* What the numbers were taken on: for the bundle, so that a curve can be judged elsewhere. */
#pragma once

#include "lab/cores.h"
#include "lab/places.h"

#include <jansson.h>

/* The machine, its kernel and limits; a new reference. */
json_t *environment_machine(const struct cores *allowed);

/* The book that is served: its size, number of chapters, first line, and whether it is the real
 * text or the stand-in, which names itself in its first line; a new reference. */
json_t *environment_book(const char *book);

/* What each program says to --version; a new reference. With `servers` also theirs. */
json_t *environment_versions(const struct places *places, bool servers, int interrupt_fd);
