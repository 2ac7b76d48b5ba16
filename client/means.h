/* What this system gives a client to make connections of. */
#pragma once

#include <stdint.h>

struct means {
    uint64_t descriptors; /* that this process may have */
    uint64_t open;        /* and has */
    uint64_t machine;     /* descriptors that all processes together may have; 0: not known */
    uint64_t ports;       /* local ones, for each address and server; 0: not known */
};

/* As it is now. Reads files: before a run and after it. */
struct means means_now(void);
