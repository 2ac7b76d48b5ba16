/* The process's own limits. */
#pragma once

#include <stdint.h>

/* Raises the soft descriptor limit to the hard one and returns the number of descriptors that is
 * then in force (the old one when the system refuses; 0 when it does not tell). At start-up. */
uint64_t limits_raise_descriptors(void);
