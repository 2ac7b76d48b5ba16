/* http and https URLs (RFC 3986 3, RFC 9110 4.2), taken apart. Pure. */
#pragma once

#include "lib/http/bytes.h"

#include <stdbool.h>

struct url {
    bool tls;
    struct bytes host;      /* an IPv6 address without its brackets */
    struct bytes authority; /* host and port as they were written: the Host field */
    unsigned port;          /* 80 or 443 if none was written */
    struct bytes path; /* path and query as they were written; may be empty, or begin with '?' */
};

/* Reads one; a fragment is dropped. Views point into `text`.
 * Returns NULL when fine, otherwise what is wrong, as the end of "URL: ..."; static text. */
const char *url_read(const char *text, struct url *url);
