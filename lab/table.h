/* A summary for the terminal. */
#pragma once

#include "lab/summary.h"

#include <stdio.h>

/* The first sentence, a table for each target, the demonstration, the hypotheses, and what speaks
 * against trusting it all. */
void table_print(FILE *to, const struct summary *summary);

/* One line on `to` for each point and way at which something failed. */
void table_print_failures(FILE *to, const struct summary *summary);
