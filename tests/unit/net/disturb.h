/* Signals that wake a thread wherever it waits. */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

struct disturber {
    pthread_t blocked, by;
    atomic_bool enough;
};

static inline void on_signal(int number)
{
    (void)number;
}

static inline void *send_signals(void *argument)
{
    struct disturber *disturber = argument;
    while (!atomic_load(&disturber->enough)) {
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        pthread_kill(disturber->blocked, SIGUSR1);
    }
    return NULL;
}

/* Every 20 ms, to the calling thread, until disturb_end(). 0, or what pthread_create() returns. */
static inline int disturb(struct disturber *disturber)
{
    struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART */
    sigaction(SIGUSR1, &action, NULL);
    disturber->blocked = pthread_self();
    atomic_init(&disturber->enough, false);
    return pthread_create(&disturber->by, NULL, send_signals, disturber);
}

static inline void disturb_end(struct disturber *disturber)
{
    atomic_store(&disturber->enough, true);
    pthread_join(disturber->by, NULL);
}
