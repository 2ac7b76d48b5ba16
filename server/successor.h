/* The process that takes our place, and we in the place of another: a running server is replaced by
 * beginning its program anew. The successor inherits every listening socket, says when it accepts,
 * and only then does its predecessor leave. */
#pragma once

#include "server/options.h"

/* The predecessor's view. The zero value is none. */
struct successor {
    pid_t pid; /* 0: none */
    int word;  /* where it says that it accepts */
};

enum successor_news {
    SUCCESSOR_QUIET,  /* nothing yet */
    SUCCESSOR_READY,  /* it accepts */
    SUCCESSOR_FAILED, /* it will not: it has ended */
};

/* Begins, as no child of this process, the program with these arguments, argv[0] being its path, or
 * a name to be found in PATH. False after log_error(). What goes wrong afterwards is heard of by
 * successor_hear(). */
bool successor_begin(struct successor *successor, char **argv, const struct listener *listeners,
                     unsigned count);
/* When `word` is readable. */
enum successor_news successor_hear(const struct successor *successor);
/* Hears no more of it, whether there is one or not. */
void successor_forget(struct successor *successor);
/* The same, and has it end. */
void successor_dismiss(struct successor *successor);

/* The successor's view: the descriptor on which its predecessor waits for the word, or -1. At
 * start-up, once. */
int predecessor_find(void);
/* Says that this process accepts. */
void predecessor_tell(int *predecessor);
/* Hears no more of it, and has it know that this process is not the one to tell. */
void predecessor_forget(int *predecessor);
