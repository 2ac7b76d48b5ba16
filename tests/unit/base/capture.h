/* What the code under test writes to stdout or stderr, as text. */
#pragma once

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    CAPTURE_TEXT = 16384
};

struct capture {
    int target; /* STDOUT_FILENO or STDERR_FILENO */
    int saved;
    int file;
};

static inline struct capture capture_begin(int target)
{
    struct capture capture = {.target = target};
    fflush(NULL);
    capture.saved = dup(target);
    capture.file = memfd_create("capture", MFD_CLOEXEC);
    dup2(capture.file, target);
    return capture;
}

/* Puts the stream back and returns how many bytes were written to it; they are in `text`
 * (CAPTURE_TEXT bytes), ended by NUL. */
static inline size_t capture_end(struct capture *capture, char *text)
{
    fflush(NULL);
    dup2(capture->saved, capture->target);
    close(capture->saved);
    ssize_t size = pread(capture->file, text, CAPTURE_TEXT - 1, 0);
    close(capture->file);
    text[size < 0 ? 0 : size] = '\0';
    return size < 0 ? 0 : (size_t)size;
}
