/* A server of this project, started for a lesson: the async one, on a free port, over a few pages
 * of its own, waiting before each reply as if it asked a slow database. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum {
    SITE_PAGES = 20,
    SITE_TEXT = 128,
};

struct site {
    pid_t pid;
    int output;
    char folder[SITE_TEXT]; /* of the pages: "page-01.html" and so on */
    char url[SITE_TEXT];    /* "http://127.0.0.1:PORT" */
};

/* Starts it; every reply waits from `low_s` to `high_s` of the lesson's seconds, drawn anew. False,
 * having said why, when that fails. */
bool site_begin(struct site *site, double low_s, double high_s);
void site_end(struct site *site);

/* The name of a page, 0..SITE_PAGES-1, in the folder and behind the URL. */
const char *site_page(char *to, unsigned index);
