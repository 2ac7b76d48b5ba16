/* A lesson, and what was asked of it. */
#pragma once

#include <stdbool.h>
#include <string.h>

enum {
    LESSON_NUMBERS = 4
};

/* What the words behind the lesson's name say. */
struct asked {
    const char *way; /* one of the lesson's ways; NULL when it has none */
    unsigned number[LESSON_NUMBERS];
    const char *file; /* NULL: none was named */
};

static inline bool asked_for(const struct asked *asked, const char *way)
{
    return strcmp(asked->way, way) == 0;
}

struct lesson {
    const char *name, *brief;
    const char
        *ways; /* "sync|async": the first word is one of these; NULL: there is no such word */
    struct {
        const char *name;
        unsigned low, high, usual;
    } numbers[LESSON_NUMBERS]; /* words that may follow */
    const char *file;          /* the name for a last word that may be a file; NULL: none */
    double speed;              /* unless --speed is given; 0 stands for 1 */
    bool (*run)(const struct asked *asked); /* false: it could not be shown, and has said why */
};

/* Each is a file of its own; main.c has them in the order of teaching. */
bool lesson_say(const struct asked *asked);
bool lesson_sleep(const struct asked *asked);
bool lesson_loop(const struct asked *asked);
bool lesson_gather(const struct asked *asked);
bool lesson_tasks(const struct asked *asked);
bool lesson_coroutine(const struct asked *asked);
bool lesson_baton(const struct asked *asked);
bool lesson_count(const struct asked *asked);
bool lesson_hello(const struct asked *asked);
bool lesson_chess(const struct asked *asked);
bool lesson_queue(const struct asked *asked);
bool lesson_fib(const struct asked *asked);
bool lesson_chores(const struct asked *asked);
bool lesson_files(const struct asked *asked);
bool lesson_titles(const struct asked *asked);
bool lesson_blocking(const struct asked *asked);
bool lesson_compare(const struct asked *asked);
