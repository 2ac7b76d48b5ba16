/* Ctrl-C and its relatives as something to wait for.
 *
 * The signals are blocked and arrive at a descriptor that is never read, so that once one came it
 * stays readable and every later wait ends at once: whoever waits in a poll includes it, and
 * unwinds. Children get the usual signal mask back (child.c). */
#pragma once

#include <stdbool.h>

/* Takes SIGINT, SIGTERM and SIGHUP, and ignores SIGPIPE. A descriptor (close-on-exec) that is
 * readable once one of the three has come, or -errno. Once per process. */
int interrupt_open(void);

/* Whether one has come. */
bool interrupt_came(int interrupt_fd);

/* Which one: its number; 0 when none has come. It is taken. */
int interrupt_signal(int interrupt_fd);

/* Undoes interrupt_open()'s mask in a child between fork and exec. Async-signal-safe. */
void interrupt_restore(void);
