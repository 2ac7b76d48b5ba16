#include "client/async/loops.h"

#include "client/space.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct event_base *base_create(const struct plan *plan)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* one thread has it */
    if (plan->rate > 0 || plan->think_high_ns > 0) {
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    }
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool loop_init(struct loop *loop, struct hand *hand, event_callback_fn on_tick)
{
    loop->hand = hand;
    loop->base = base_create(hand->crew->plan);
    loop->connections = space_create(hand->count, sizeof(*loop->connections));
    loop->deadlines.heap = space_create(hand->count + 1, sizeof(*loop->deadlines.heap));
    if (loop->base == NULL || loop->connections == NULL || loop->deadlines.heap == NULL) {
        return false;
    }
    for (size_t i = 0; i < hand->count; i++) {
        struct connection *c = &loop->connections[i];
        c->loop = loop;
        c->stream.fd = -1;
        c->session = &hand->crew->sessions[hand->first + i];
    }
    return evtimer_assign(&loop->tick, loop->base, on_tick, loop) == 0;
}

bool loops_create(struct crew *crew, event_callback_fn on_tick)
{
    bool complete = true;
    for (size_t i = 0; complete && i < crew->plan->threads; i++) {
        struct loop *loop = crew->hands[i].own = calloc(1, sizeof(*loop));
        complete = loop != NULL && loop_init(loop, &crew->hands[i], on_tick);
    }
    if (!complete) {
        log_error("the loops cannot be set up: %s", strerror(errno));
    }
    return complete;
}

void loops_destroy(struct crew *crew)
{
    for (size_t i = 0; crew->hands != NULL && i < crew->plan->threads; i++) {
        struct hand *hand = &crew->hands[i];
        struct loop *loop = hand->own;
        if (loop == NULL) {
            continue;
        }
        space_destroy(loop->deadlines.heap, hand->count + 1, sizeof(*loop->deadlines.heap));
        space_destroy(loop->connections, hand->count, sizeof(*loop->connections));
        if (loop->base != NULL) {
            event_base_free(loop->base);
        }
        free(loop);
    }
}
