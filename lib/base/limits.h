/* The process's own limits. */
#pragma once

#include <stdint.h>

/* Raises the soft descriptor limit to the hard one and returns what is then in force. */
uint64_t limits_raise_descriptors(void);
