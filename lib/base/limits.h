/* The process's own limits, and the machine's. */
#pragma once

#include <stdint.h>

/* Raises the soft descriptor limit to the hard one and returns the number of descriptors that is
 * then in force (the old one when the system refuses; 0 when it does not tell). At start-up. */
uint64_t limits_raise_descriptors(void);

/* How many local ports the system gives to connections of one address to one peer; 0 when it does
 * not tell. Reads a file: at start-up. */
uint64_t limits_local_ports(void);

/* How many cores the machine has, 1 at the least. Reads files to find out: at start-up. */
unsigned limits_cores(void);
