/* Helper threads, for what can only be done by blocking: a task gives its work away and waits, and
 * the loop goes on. */
#pragma once

#include <stdbool.h>

/* Starts the threads. False when the system has none to give. */
bool pool_begin(unsigned threads);

/* Ends them, after what they have been given. */
void pool_end(void);

/* Has a helper call body(argument), and waits for it as a task. What it returns is returned. */
void *pool_do(void *(*body)(void *), void *argument);
