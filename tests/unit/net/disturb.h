/* Signals that wake a thread wherever it waits. */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static inline void on_signal(int number)
{
    (void)number;
}

static inline void *send_signals(void *argument)
{
    pthread_t *blocked = argument;
    for (int i = 0; i < 50; i++) {
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        pthread_kill(*blocked, SIGUSR1);
    }
    return NULL;
}

/* Every 20 ms for a second, to `*blocked`, by a thread that is to be joined. 0, or what
 * pthread_create() returns. */
static inline int disturb(pthread_t *by, pthread_t *blocked)
{
    struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART */
    sigaction(SIGUSR1, &action, NULL);
    return pthread_create(by, NULL, send_signals, blocked);
}
