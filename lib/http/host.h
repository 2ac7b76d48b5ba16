/* The host of a request (RFC 9110 7.2, RFC 3986 3.2.2). */
#pragma once

#include "lib/http/bytes.h"

/* Whether `text` is uri-host [":" port], what a Host field or an authority without userinfo holds:
 * a name with well-formed escapes, an IPv4 address (which is also a name), or an IPv6 address or
 * future literal in brackets. The name may be empty, and the port after its colon too: the
 * grammar has it so. Any thread. */
bool host_is_valid(struct bytes text);
