/* Where a message ends, and whether its connection may go on (RFC 9112 6, 9). */
#pragma once

#include "lib/http/request.h"
#include "lib/http/response.h"

#include <stdint.h>

enum framing_kind {
    FRAMING_NONE,   /* no body */
    FRAMING_LENGTH, /* exactly `length` bytes (may be 0) */
    FRAMING_CHUNKED,
    FRAMING_CLOSE,   /* a response that ends with its connection */
    FRAMING_REFUSED, /* the framing itself cannot be trusted: `status` and `why` */
};

struct framing {
    enum framing_kind kind;
    uint64_t length; /* FRAMING_LENGTH */
    unsigned status; /* FRAMING_REFUSED of a request: 400 or 501 */
    const char *why; /* FRAMING_REFUSED: static phrase */
};

/* RFC 9112 6.1-6.3 for a server. Refused with 400: Content-Length with Transfer-Encoding, differing
 * or malformed Content-Length values (a list of equal values counts as refused too: nobody honest
 * sends it), Transfer-Encoding in HTTP/1.0, chunked not last or applied twice, several
 * Transfer-Encoding lines that do not come down to one "chunked". Refused with 501: a well-formed
 * coding other than chunked before a final chunked. */
struct framing framing_of_request(const struct request *request);

/* RFC 9112 6.3 for a client; `to` is the method of the request answered. A response to HEAD, 1xx,
 * 204 and 304 has no body whatever its fields say. Content-Length values that differ or are
 * malformed are REFUSED; Transfer-Encoding overrides Content-Length. */
struct framing framing_of_response(const struct response *response, enum method to);

/* Whether the connection persists after this message (RFC 9112 9.3): "close" ends it; HTTP/1.1 goes
 * on; HTTP/1.0 goes on only with "keep-alive". */
bool framing_request_persists(const struct request *request);
bool framing_response_persists(const struct response *response);
