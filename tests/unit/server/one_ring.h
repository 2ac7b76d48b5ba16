/* For cases that have a ring each. */
#pragma once

#include "server/ledger/ring.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

enum {
    CELLS = 64
};

static struct ring ring;
static char *memory;

static inline int open_ring(void **state)
{
    (void)state;
    memory = aligned_alloc(CELL, ring_bytes(CELLS));
    assert_non_null(memory);
    memset(memory, 0, ring_bytes(CELLS));
    ring_init(&ring, memory, CELLS);
    return 0;
}

static inline int close_ring(void **state)
{
    (void)state;
    free(memory);
    return 0;
}
