/* Who waits how: the names that plans, bundles and pages use. */
#pragma once

#include <stdbool.h>
#include <string.h>

enum model {
    MODEL_SYNC,  /* blocking, a thread for each connection */
    MODEL_ASYNC, /* non-blocking, events */
    MODEL_OTHER, /* a server of the user's own (--url) */
};

enum {
    MODEL_PAIR = 2, /* SYNC and ASYNC, to be walked with 0..1 */
    MODEL_ALL = 3,
};

/* "sync", "async", "url": as in bundle.json. */
static inline const char *model_name(enum model model)
{
    static const char *const names[MODEL_ALL] = {"sync", "async", "url"};
    return names[model];
}

/* "threads", "events", "your server": as people read it. */
static inline const char *model_word(enum model model)
{
    static const char *const words[MODEL_ALL] = {"threads", "events", "your server"};
    return words[model];
}

/* False when there is no such name; *model is then untouched. */
static inline bool model_read(const char *name, enum model *model)
{
    for (int i = 0; i < MODEL_ALL; i++) {
        if (strcmp(name, model_name((enum model)i)) == 0) {
            *model = (enum model)i;
            return true;
        }
    }
    return false;
}
