/* --trace: one line per verdict, as it comes. */
#pragma once

#include "client/session.h"

/* Writes the line on stdout, in one piece: date, URL, status or error, bytes, delay, time taken.
 * Any thread. */
void trace_verdict(const struct verdict *verdict);
