#include "server/shortage.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <string.h>

#define SILENCE_NS (60 * NS_PER_S)

void shortage_init(struct shortage *shortage, uint64_t connections, uint64_t descriptors,
                   bool asked_for, uint64_t stack)
{
    char why[BOUNDS_TEXT];
    *shortage = (struct shortage){
        .connections = connections, .descriptors = descriptors, .asked_for = asked_for};
    if (stack == 0) {
        return;
    }
    bounds_of_threads(&shortage->threads, stack, "");
    const struct bound *tightest = bounds_tightest(&shortage->threads);
    if (asked_for && tightest != NULL && bound_room(tightest) < connections) {
        log_warn("--max-connections: there are not threads enough for %ju: %s",
                 (uintmax_t)connections, bounds_explain(why, &shortage->threads, connections));
    }
}

/* Whether it is time to tell of it again. Of several threads one does. */
static bool may_tell(struct shortage *shortage, enum shortage_kind kind)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint_fast64_t told_ns = atomic_load(&shortage->told_ns[kind]);
    bool due = told_ns == 0 || now_ns >= told_ns + SILENCE_NS;
    return due && atomic_compare_exchange_strong(&shortage->told_ns[kind], &told_ns, now_ns);
}

void shortage_of_connections(struct shortage *shortage)
{
    if (!may_tell(shortage, SHORT_OF_CONNECTIONS)) {
        return;
    }
    if (shortage->asked_for) {
        log_warn("connections wait: %ju are open, all that --max-connections allows",
                 (uintmax_t)shortage->connections);
    } else {
        log_warn("connections wait: %ju are open, all that %ju descriptors leave room for (raise "
                 "them with ulimit -Hn)",
                 (uintmax_t)shortage->connections, (uintmax_t)shortage->descriptors);
    }
}

void shortage_of_descriptors(struct shortage *shortage, int error)
{
    if (!may_tell(shortage, SHORT_OF_DESCRIPTORS)) {
        return;
    }
    log_warn("connections wait, since none can be accepted: %s%s", strerror(error),
             error == EMFILE   ? " (raise it with ulimit -Hn)"
             : error == ENFILE ? " (raise fs.file-max)"
                               : "");
}

void shortage_of_threads(struct shortage *shortage)
{
    char why[BOUNDS_TEXT];
    if (may_tell(shortage, SHORT_OF_THREADS)) {
        log_warn("connections are turned away, since no thread can be started for them: %s",
                 bounds_explain(why, &shortage->threads, shortage->connections));
    }
}
