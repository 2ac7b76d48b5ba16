/* The line between the parent and the process that serves: orders go down, and the word that it
 * accepts comes up. Each is one packet; an order may carry a descriptor. */
#pragma once

#include <stdbool.h>

enum order_kind {
    ORDER_NONE,      /* nothing to do */
    ORDER_DRAIN,     /* let running replies end; nobody accepts after this server */
    ORDER_HAND_OVER, /* the same, but others accept on these listeners: leave them at once */
    ORDER_CUT,       /* end now what still runs */
    ORDER_RENEW,     /* use what the descriptor holds, and go on; control_take() sees to it */
};

/* One end. The zero value is none; -1 is one whose other end is gone. */
struct control {
    int fd;
    /* The child's: what to do with the descriptor of ORDER_RENEW, which is closed afterwards; -1:
     * it was lost on the way, as where this process may open no more of them. */
    void (*renew)(void *argument, int fd);
    void *argument;
};

/* Makes a line. 0, or -errno. */
int control_open(struct control *parent, struct control *child);
/* Closes one end. The other hears of it. */
void control_close(struct control *control);

/* The parent's: gives an order. The child may be gone: then nobody hears it. An order that cannot
 * be given closes the line, which the child takes for the order to drain. */
void control_order(struct control *control, enum order_kind kind);
/* The same, with a descriptor, which stays the caller's. 0; or -errno, -EAGAIN where the child does
 * not listen to what it was told before: nothing was given then. */
int control_hand_over(const struct control *control, enum order_kind kind, int fd);
/* The parent's: whether the child said by now that it accepts. */
bool control_is_ready(const struct control *control);

/* The child's: says that it accepts. */
void control_ready(const struct control *control);
/* The child's, when fd is readable: what the parent wants. A parent that has died wants the child
 * to drain; it is asked no more, for fd is -1 then. */
enum order_kind control_take(struct control *control);
