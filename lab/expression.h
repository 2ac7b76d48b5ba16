/* A hypothesis that a program can check: comparisons of measured values, judged with their bands.
 *
 *     requests_per_s(sync, best, chapter, 64) >= 0.9 * requests_per_s(async, best, chapter, 64)
 *
 *     judgement  = conjunct { "or" conjunct }
 *     conjunct   = comparison { "and" comparison }
 *     comparison = sum ( "<" | "<=" | ">" | ">=" ) sum
 *     sum        = product { ( "+" | "-" ) product }
 *     product    = value { ( "*" | "/" ) value }
 *     value      = number | name "(" word { "," word } ")" | "(" sum ")"
 *
 * Every value is an interval [low, high] around a middle; arithmetic keeps the extremes. A
 * comparison holds when it holds for every pair out of the two intervals, does not hold when it
 * holds for none, and cannot be judged otherwise. Pure. */
#pragma once

#include "lab/statistics.h"

enum {
    EXPRESSION_WORDS = 6,
    EXPRESSION_WORD = 32,
};

/* name(word, word, ...) as it stands in the text. */
struct expression_call {
    char name[EXPRESSION_WORD];
    char word[EXPRESSION_WORDS][EXPRESSION_WORD];
    unsigned count;
};

enum expression_look {
    EXPRESSION_FOUND,   /* *value is set */
    EXPRESSION_ABSENT,  /* a right question, but nothing was measured there */
    EXPRESSION_UNKNOWN, /* no such name, or the wrong words in the brackets: the plan is wrong */
};

/* Where values come from. `look` is asked for each call, from left to right. */
struct expression_source {
    enum expression_look (*look)(void *with, const struct expression_call *call,
                                 struct band *value);
    void *with;
};

enum expression_outcome {
    EXPRESSION_HELD,
    EXPRESSION_NOT_HELD,
    EXPRESSION_UNDECIDED, /* the bands overlap, or a value is absent */
    EXPRESSION_MALFORMED, /* *why and *at say what is wrong and where */
};

/* Judges `text`. *why (static) and *at (an offset into text) are written when MALFORMED. */
enum expression_outcome expression_judge(const char *text, const struct expression_source *source,
                                         const char **why, size_t *at);
