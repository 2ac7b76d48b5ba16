/* The part of a plan that is about TLS: certificates read and checked before anything starts. */
#pragma once

#include "client/plan.h"

/* Makes what the https origins of the plan need, by the options; nothing if there are none, and
 * then it is misuse to ask for any of it. Otherwise as plan_init(). */
enum plan_outcome plan_tls(struct plan *plan, struct origin *origins, const struct options *options,
                           char *why);

/* Frees that. */
void plan_tls_finish(struct plan *plan);
