/* The access log: one thread that drains the rings of all ledgers, formats lines and writes them.
 *
 * Nobody who serves ever waits for it, nor does anything to wake it: it looks by itself, the more
 * often the more there is. What its destination does not take stays in the rings; what finds no
 * room there is dropped, counted, and complained about now and then. */
#pragma once

#include "server/ledger/ledgers.h"
#include "server/ledger/line.h"

struct journal;

/* Opens a destination: a file, made if need be and appended to; a FIFO, whether anybody reads it or
 * not; "-" for standard output. A descriptor, or -errno. */
int journal_open(const char *path);

/* Begins to write to `fd`, which it closes in the end. Further descriptors, each to take the place
 * of the one before, come through `descriptors` (SCM_RIGHTS; -1: none do), which stays the
 * caller's. NULL after log_error(). */
struct journal *journal_start(const struct ledgers *ledgers, enum line_format format, int fd,
                              int descriptors);

/* Goes on with another descriptor. A line is written whole to one of them. Any thread. */
void journal_reopen(struct journal *journal, int fd);

/* Writes what is in the rings, as far as the destination takes it within a second, and ends. NULL
 * is fine. */
void journal_finish(struct journal *journal);

/* Lines that were written, and lost: for want of room, or to a destination that failed. Any thread.
 * NULL has none. */
uint64_t journal_written(const struct journal *journal);
uint64_t journal_lost(const struct journal *journal);

/* Hands a descriptor to a journal_start() at the other end of a socket, and keeps it. */
bool journal_hand_over(int socket, int fd);
