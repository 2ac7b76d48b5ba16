/* A folder of files for one test, removed afterwards. */
#pragma once

#include "lib/http/bytes.h"

#include <time.h>

struct folder {
    char path[64];
};

void folder_init(struct folder *folder);
void folder_finish(struct folder *folder);

/* The path of `name` in it, in static storage: it holds until the next call but three. */
const char *folder_path(const struct folder *folder, const char *name);

/* Writes a file in place. */
void folder_write(const struct folder *folder, const char *name, struct bytes content);
/* The same with `size` bytes of `letter`. */
void folder_fill(const struct folder *folder, const char *name, size_t size, char letter);
/* Sets the time of its last change. */
void folder_date(const struct folder *folder, const char *name, struct timespec modified);
/* Makes it look as if it had last been changed an hour ago: what was changed a moment ago may be
 * changed again without a new time stamp. */
void folder_age(const struct folder *folder, const char *name);
/* Waits until the time of its last change of any kind, which nobody can set, is no longer within
 * the file system's tick. */
void folder_settle(const struct folder *folder, const char *name);
void folder_link(const struct folder *folder, const char *name, const char *to);
void folder_make(const struct folder *folder, const char *name);
