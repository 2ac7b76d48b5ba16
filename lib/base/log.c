#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool log_verbose = false;

static const char *program = "cristo";

/* Small, for it stands on the small stacks of the threads that serve. */
enum {
    LINE_MAX_BYTES = 1024
};

static void write_line(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

void log_program(const char *name)
{
    program = name;
}

void log_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

void log_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

void log_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

void log_debug(const char *format, ...)
{
    if (!log_verbose) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

void log_fatal(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
    exit(status);
}

/* A message may carry what a stranger sent: a control character in it could forge a second line or
 * drive the operator's terminal. */
static void defuse(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            *text = '?';
        }
    }
}

static void write_line(const char *format, va_list arguments)
{
    static const char cut[] = "...\n";
    int error = errno;
    char line[LINE_MAX_BYTES];
    size_t room = sizeof line; /* the last byte, NUL, becomes the end of the line */

    size_t used = (size_t)snprintf(line, room, "%s: ", program);
    used = used < room ? used : room - 1;
    int size = vsnprintf(line + used, room - used, format, arguments);
    defuse(line);
    if (size < 0 || (size_t)size >= room - used) {
        used = sizeof line - sizeof cut + 1;
        memcpy(line + used, cut, sizeof cut - 1);
        used = sizeof line;
    } else {
        used += (size_t)size;
        line[used++] = '\n';
    }
    /* Nobody can be told when this fails. */
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written;
    errno = error;
}
