/* Slices of files that are sent from their descriptors: to know whether the file system has one at
 * hand, and to have it brought.
 *
 * Whatever is asked here, the file has to be the one that was found when it was opened: of one that
 * was truncated or rewritten in place nothing more may be sent, its head neither. */
#pragma once

#include "lib/http/range.h"
#include "server/store/file.h"

struct load {
    struct file *file; /* the caller's reference */
    struct slice slice;
    char *memory; /* where it was read to, for the caller to free(3); NULL: it is in the file */
};

enum loaded {
    LOADED,    /* to be sent from load->memory or, should that be NULL, from the file */
    LOAD_COLD, /* it may have to be waited for: load_read() */
    LOAD_LOST, /* after log_*(): the file has changed, or cannot be read */
};

/* What can be told without waiting. Never blocks. A slice that is on a disk is tried by preadv2(2)
 * with RWF_NOWAIT; what was tried is trusted for PROOF_NS from `now_ns` on, so that a file in use
 * is not copied again for each reply. One thread at a time for each file. */
enum loaded load_recall(struct load *load, uint64_t now_ns);

/* After LOAD_COLD: whether load_read() will wait for a disk at the most. */
bool load_is_prompt(const struct load *load);

/* Leaves it in the file, for somebody who may wait while it is sent from there. May block. Any
 * thread. Never LOAD_COLD. */
enum loaded load_leave(struct load *load);

/* Reads it into memory. May block. Any thread. Never LOAD_COLD. */
enum loaded load_read(struct load *load);
