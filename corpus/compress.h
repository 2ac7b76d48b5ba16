/* The compressed siblings: FILE.gz and FILE.br. */
#pragma once

#include "lib/http/bytes.h"

#include <stdbool.h>
#include <sys/types.h>

/* `from` as a gzip file (RFC 1952) at the highest level, without a name or a time in it: the same
 * input gives the same bytes. On success *to is the caller's to free (to->at). False: out of
 * memory. */
bool compress_gzip(struct bytes from, struct bytes *to);

/* Starts the brotli command on files, named from `folder`; it writes FILE.br beside each. `paths`
 * ends with NULL; `quality` is 0..11. Returns its process id, for compress_wait(), or -errno:
 * -ENOENT when there is no such command. */
pid_t compress_brotli(int folder, const char *const *paths, unsigned quality);

/* Waits for it: 0, or its exit status, or 128 and the signal that ended it. */
int compress_wait(pid_t brotli);
