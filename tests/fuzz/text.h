/* Input as the strings and files that some parsers take. */
#pragma once

#include "tests/fuzz/property.h"

#include <sys/mman.h>
#include <unistd.h>

/* A copy that ends at its NUL, in memory of its own: the caller's to free. */
static inline char *text_copy(struct bytes input)
{
    char *text = malloc(input.len + 1);
    PROPERTY(text != NULL);
    memcpy(text, input.at, input.len);
    text[input.len] = '\0';
    return text;
}

/* A file that holds the input, by a path. */
static inline const char *text_file(struct bytes input)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    PROPERTY(fd >= 0 && ftruncate(fd, 0) == 0);
    PROPERTY(pwrite(fd, input.at, input.len, 0) == (ssize_t)input.len);
    return path;
}

/* A command line: the program's name, then a word for each line of the input. */
struct words {
    char *text;
    int count;
    char *word[66]; /* the last one is NULL */
};

static inline void words_init(struct words *words, struct bytes input)
{
    char *at = words->text = text_copy(input);
    words->word[0] = (char *)"program";
    words->count = 1;
    while (at != NULL && words->count < 65) {
        words->word[words->count++] = at;
        at = strchr(at, '\n');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    words->word[words->count] = NULL;
}

/* What a program says on its streams, said to nobody. */
static inline void hush(bool hushed)
{
    static FILE *out, *err, *nowhere;
    if (nowhere == NULL) {
        nowhere = fopen("/dev/null", "we");
        out = stdout;
        err = stderr;
    }
    stdout = hushed ? nowhere : out;
    stderr = hushed ? nowhere : err;
}
