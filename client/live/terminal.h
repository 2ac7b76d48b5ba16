/* The terminal that a full-screen view is drawn on, and how it was before: it is given back on
 * every way out, also by a process that dies. One at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    TERMINAL_TEXT = 256,
};

/* Whether there is one that a view can be drawn on: standard output, or else standard error, and a
 * TERM that names one whose cursor can be moved. If not, why (TERMINAL_TEXT bytes). */
bool terminal_fits(char *why);

/* Opens it for reading and writing, apart from standard output and error. -errno, or a descriptor
 * that is to be given to terminal_close(). */
int terminal_open(void);
void terminal_close(int fd);

/* Whether this process is the one that may use it now: a shell has not put it into the background.
 */
bool terminal_is_ours(int fd);

/* From here on to terminal_release(), a signal or an exit() that ends the process gives the
 * terminal back the modes that it has now. Signals that are ignored stay so. */
void terminal_guard(int fd);
void terminal_release(void);

/* What is to be written to it then, too: copied, as far as there is room. */
void terminal_leave_by(const char *bytes, size_t size);
