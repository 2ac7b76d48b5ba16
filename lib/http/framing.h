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

/* RFC 9112 6.1-6.3 for a server.
 * Refused with 400: Content-Length beside Transfer-Encoding; a Content-Length on several lines, or
 *                   that is not one plain number up to 2^63 - 1 (a list of equal values included:
 *                   nobody honest sends it); Transfer-Encoding in HTTP/1.0, on several lines, with
 *                   chunked not last, twice or with parameters, or with an empty member.
 * Refused with 501: a well-formed coding other than chunked before a final chunked. Any thread. */
struct framing framing_of_request(const struct request *request);

/* RFC 9112 6.3 for a client; `to` is the method of the request answered. A response to HEAD, 1xx,
 * 204, 304 and a 2xx to CONNECT have no body whatever their fields say. Transfer-Encoding overrides
 * Content-Length: chunked if that comes last, the end of the connection otherwise. REFUSED: a
 * Content-Length as above, a malformed Transfer-Encoding, one in HTTP/1.0. */
struct framing framing_of_response(const struct response *response, enum method to);

/* Whether the connection persists after this message (RFC 9112 9.3): "close" ends it; HTTP/1.1 goes
 * on; HTTP/1.0 goes on only with "keep-alive". It ends, too, after a response with both
 * Content-Length and Transfer-Encoding (6.3), and with any body of kind FRAMING_CLOSE, which is for
 * the caller to see. Any thread. */
bool framing_request_persists(const struct request *request);
bool framing_response_persists(const struct response *response);
