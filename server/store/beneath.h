/* Opening beneath one folder: nothing outside of it, by dots, links or races. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct beneath {
    int root;     /* an O_PATH descriptor of the folder; -1: none */
    bool by_hand; /* the kernel, or what stands between, has no openat2: no link is followed */
};

/* Opens the folder, and finds out by what means its content can be. 0, or -errno after log_error().
 */
int beneath_init(struct beneath *beneath, const char *folder);
void beneath_finish(struct beneath *beneath);

/* Opens what lies at `path` ("" is the folder itself, a trailing slash asks for a folder). A
 * descriptor, or -errno: -EXDEV when a link leads out. May wait for a disk. Any thread. */
int beneath_open(const struct beneath *beneath, const char *path, uint64_t flags);

/* The same on the folder's own file system, and nothing beyond it is touched: -EXDEV when the path
 * leads to another one, too. Not `by_hand`. */
int beneath_open_near(const struct beneath *beneath, const char *path, uint64_t flags);
