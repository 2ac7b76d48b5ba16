/* Status codes (RFC 9110 15, RFC 6585). */
#pragma once

#include "lib/http/bytes.h"

/* The reason phrase of a registered status, "Unknown" otherwise. Static. */
struct bytes status_reason(unsigned status);
