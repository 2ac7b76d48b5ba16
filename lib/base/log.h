/* Messages for the operator, on stderr: one line each, "PROGRAM: message", written in one piece.
 * Control characters become '?', so that no message forges another; what exceeds 1 KB ends in
 * "...". errno is kept. Any thread. */
#pragma once

#include <stdbool.h>

/* Names the program in every line; `name` must live for ever. Before this call: "cristo". Before
 * there are threads. */
void log_program(const char *name);

/* "PROGRAM: message": what is as it should be, what may be wrong, what is. */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Off unless turned on; then "PROGRAM: message" too. The test costs one load. */
extern bool log_verbose;
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* log_error(), then exit with `status`. For start-up alone: nothing dies while it serves. */
_Noreturn void log_fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
