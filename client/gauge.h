/* Requests in flight and open connections, counted one by one: each worker keeps a gauge, and the
 * main thread looks at all of them from time to time. That is a second way to know what latencies
 * come to, which shares no time stamp with the first (client/evidence.h). Only its own worker
 * writes a gauge, so that no operation needs the bus; any thread may read it. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct gauge {
    _Alignas(64) _Atomic uint64_t flying; /* begun, and without a verdict */
    _Atomic uint64_t ended;
    _Atomic uint64_t spent_ns; /* by the ended ones, each from its sending to its verdict */
    _Atomic uint64_t open;     /* connections */
};

static inline uint64_t gauge_read(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static inline void gauge_add(_Atomic uint64_t *count, uint64_t more)
{
    atomic_store_explicit(count, gauge_read(count) + more, memory_order_relaxed);
}

static inline void gauge_begin(struct gauge *gauge)
{
    gauge_add(&gauge->flying, 1);
}

static inline void gauge_open(struct gauge *gauge)
{
    gauge_add(&gauge->open, 1);
}

static inline void gauge_close(struct gauge *gauge)
{
    gauge_add(&gauge->open, (uint64_t)-1);
}

static inline void gauge_end(struct gauge *gauge, uint64_t took_ns)
{
    gauge_add(&gauge->flying, (uint64_t)-1);
    gauge_add(&gauge->ended, 1);
    gauge_add(&gauge->spent_ns, took_ns);
}
