/* For cases that have a talk each: it, and what left in it. */
#pragma once

#include "tests/support/suite.h"
#include "tests/unit/server/talk.h"

#define HOST " HTTP/1.1\r\nHost: a\r\n"
#define GET(path) "GET " path HOST "\r\n"

static struct talk talk;
static struct replies replies;

static inline int open_talk(void **state)
{
    (void)state;
    talk_init(&talk);
    return 0;
}

static inline int close_talk(void **state)
{
    (void)state;
    talk_finish(&talk);
    return 0;
}

static inline void tell(unsigned kind)
{
    talk_tell(&talk, (struct outcome){kind, 0});
}

/* A client's words from the beginning to the end of the session. */
static inline void play(const char *input, const char *methods)
{
    talk_begin(&talk);
    talk_play(&talk, bytes_of(input));
    talk_replies(&talk, &replies, methods);
}
