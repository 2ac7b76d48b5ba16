#include "server/tls/gate.h"

#include "lib/tls/link.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* The contexts of one set of credentials. */
struct generation {
    unsigned holds; /* guarded by the gate's lock */
    unsigned count;
    struct tls_server *at[];
};

struct gate {
    pthread_mutex_t lock; /* guards `now`, and how often generations are held; a leaf */
    struct generation *now;
    unsigned contexts;
    struct tls_tickets *tickets; /* of the thread that renews */
};

struct gate *gate_create(unsigned contexts)
{
    struct gate *gate = calloc(1, sizeof(*gate));
    if (gate != NULL) {
        pthread_mutex_init(&gate->lock, NULL);
        gate->contexts = contexts;
    }
    return gate;
}

static void generation_destroy(struct generation *generation)
{
    while (generation->count > 0) {
        tls_server_destroy(generation->at[--generation->count]);
    }
    free(generation);
}

static struct generation *generation_create(unsigned contexts, const struct tls_server_plan *plan,
                                            char wrong[TLS_WRONG])
{
    struct generation *made = calloc(1, sizeof(*made) + contexts * sizeof(struct tls_server *));
    if (made == NULL) {
        snprintf(wrong, TLS_WRONG, "out of memory");
        return NULL;
    }
    made->holds = 1;
    while (made->count < contexts) {
        struct tls_server *server = tls_server_create(plan, wrong);
        if (server == NULL) {
            generation_destroy(made);
            return NULL;
        }
        made->at[made->count++] = server;
    }
    return made;
}

/* NULL: `wrong` says why. Otherwise one hold of them is the caller's. */
static struct tls_tickets *tickets_for(const struct gate *gate, const struct credentials *c,
                                       char wrong[TLS_WRONG])
{
    if (c->ticket_count > 0) {
        return tls_tickets_read(c->ticket_keys, c->ticket_count, wrong);
    }
    if (gate->tickets != NULL) {
        return gate->tickets;
    }
    struct tls_tickets *tickets = tls_tickets_create();
    if (tickets == NULL) {
        snprintf(wrong, TLS_WRONG, "out of memory or of random numbers");
    }
    return tickets;
}

static void let_go(struct gate *gate, struct generation *generation)
{
    pthread_mutex_lock(&gate->lock);
    bool last = generation != NULL && --generation->holds == 0;
    pthread_mutex_unlock(&gate->lock);
    if (last) {
        generation_destroy(generation);
    }
}

static void replace(struct gate *gate, struct generation *next)
{
    pthread_mutex_lock(&gate->lock);
    struct generation *before = gate->now;
    gate->now = next;
    pthread_mutex_unlock(&gate->lock);
    let_go(gate, before);
}

bool gate_renew(struct gate *gate, const struct credentials *c, char wrong[TLS_WRONG])
{
    struct tls_tickets *tickets = tickets_for(gate, c, wrong);
    if (tickets == NULL) {
        return false;
    }
    struct generation *next = generation_create(gate->contexts,
                                                &(struct tls_server_plan){
                                                    .pairs = c->pairs,
                                                    .pair_count = c->pair_count,
                                                    .client_ca = c->client_ca,
                                                    .oldest = c->oldest,
                                                    .tickets = tickets,
                                                },
                                                wrong);
    struct tls_tickets *spent = next != NULL ? gate->tickets : tickets;
    if (next != NULL) {
        gate->tickets = tickets;
        replace(gate, next);
    }
    if (spent != gate->tickets) {
        tls_tickets_release(spent);
    }
    return next != NULL;
}

/* The thread may be moved to another core later; that costs little. */
static struct tls_server *server_here(const struct generation *generation)
{
    int core = generation->count > 1 ? sched_getcpu() : 0;
    return generation->at[core < 0 ? 0 : (unsigned)core % generation->count];
}

int gate_accept(struct gate *gate, struct stream *stream)
{
    pthread_mutex_lock(&gate->lock);
    struct generation *generation = gate->now;
    generation->holds++;
    pthread_mutex_unlock(&gate->lock);
    int error = tls_accept(stream, server_here(generation));
    let_go(gate, generation);
    return error;
}

void gate_destroy(struct gate *gate)
{
    if (gate == NULL) {
        return;
    }
    replace(gate, NULL);
    tls_tickets_release(gate->tickets);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}
