/* The clocks. Durations and deadlines are nanoseconds on CLOCK_MONOTONIC in a uint64_t; dates are
 * seconds since 1970. Code that decides by time takes it as an argument; only main loops ask here.
 */
#pragma once

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* "No deadline": later than any moment. */
#define CLOCK_NEVER UINT64_MAX

/* Exact, some 20 ns through the vDSO. */
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The wall clock at the kernel's tick (4 ms and better), for Date and Last-Modified. */
static inline int64_t clock_wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec;
}

/* CPU time of this process so far (user and system), and of the calling thread. */
static inline uint64_t clock_process_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline struct timespec clock_timespec(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
}

static inline struct timeval clock_timeval(uint64_t ns)
{
    return (struct timeval){(time_t)(ns / NS_PER_S), (suseconds_t)(ns % NS_PER_S / NS_PER_US)};
}

/* `a + b`, CLOCK_NEVER when that overflows. */
static inline uint64_t clock_add(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum < a ? CLOCK_NEVER : sum;
}
