#include "server/compute.h"

#include <stdint.h>

/* The recursion is the point: its cost grows as its value does. */
static uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

void compute(void *n)
{
    volatile uint64_t result = fib(*(const unsigned *)n);
    (void)result;
}
