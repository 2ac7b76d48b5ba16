/* Request heads, read and written (RFC 9112 3). */
#pragma once

#include "lib/http/bytes.h"
#include "lib/http/field.h"

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_CONNECT,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_PATCH,
    METHOD_OTHER, /* a well-formed token that is none of the above: 501 */
};

struct request {
    enum method method;
    struct bytes method_text;
    struct bytes target; /* as sent; lib/http/target.h reads it */
    unsigned minor;      /* HTTP/1.minor: 0, or 1 for every later minor */
    struct fields fields;
    size_t head_size; /* bytes from the first one of `text` to the end of the empty line, a skipped
                         empty line before the request line included */
};

enum request_outcome {
    REQUEST_COMPLETE,
    REQUEST_MORE,             /* good so far, and not yet whole */
    REQUEST_MALFORMED,        /* 400: see *why */
    REQUEST_METHOD_TOO_LONG,  /* 501: the method alone fills limits->head (RFC 9112 3) */
    REQUEST_TARGET_TOO_LONG,  /* 414: the target is longer than limits->target, or alone fills
                                 limits->head */
    REQUEST_FIELDS_TOO_LARGE, /* 431: no end within limits->head */
    REQUEST_TOO_MANY_FIELDS,  /* 431 */
    REQUEST_VERSION,          /* 505: HTTP/x with x other than 1 */
};

struct request_limits {
    size_t head;     /* bytes in a head, from the request line to the empty line */
    size_t target;   /* bytes in a target */
    unsigned fields; /* field lines */
};

/* Reads one request head at the beginning of `text`, which may go on with a body or with further
 * requests. One empty line (CRLF) before the request line is skipped (RFC 9112 2.2).
 *
 * Strict where leniency lets requests be smuggled: single spaces in the request line, an upper-case
 * `HTTP/` version of exactly digit "." digit, CRLF line ends, no control bytes, a target without
 * whitespace, and all that field_section_read() refuses. Also MALFORMED, because the whole head
 * decides it: HTTP/1.1 without a Host line, any head with more than one, a Host that is not
 * uri-host [":" port] (RFC 9112 3.2), and a second line of any other field that RFC 9110 allows but
 * once and that an answer depends on (Content-Type, Date, If-Modified-Since, If-Unmodified-Since,
 * If-Range, Range). Content-Length and Transfer-Encoding are judged by framing_of_request().
 *
 * Outcome:  see the enum. A refusal comes with the first byte that shows it, and stands whatever
 *           follows; so does COMPLETE. How the head is cut into slices changes nothing. *why is
 *           written for every refusal: a short static phrase for an error page.
 * Lifetime: views point into `text`. *request means something on COMPLETE only; what it holds after
 *           another outcome is left open. Any thread. */
enum request_outcome request_read(struct bytes text, const struct request_limits *limits,
                                  struct request *request, const char **why);

enum expectation {
    EXPECTS_NOTHING,
    EXPECTS_CONTINUE, /* "100-continue": the body waits for a word */
    EXPECTS_OTHER,    /* something else, too: 417 */
};

/* What a request that was read expects (RFC 9110 10.1.1), on however many lines and whatever empty
 * members are between (5.6.1); one of HTTP/1.0 nothing. Any thread. */
enum expectation request_expectation(const struct request *request);

/* The method for a token, METHOD_OTHER if unknown. Methods are case-sensitive (RFC 9110 9.1). */
enum method method_of(struct bytes text);

/* One head to be sent. `fields` is whole lines, each ended by CRLF, and may be empty. */
struct request_head {
    struct bytes method;
    struct bytes target;
    struct bytes host; /* the Host value */
    struct bytes fields;
};

/* Writes an HTTP/1.1 request head. Returns its size; when that exceeds `room`, nothing useful was
 * written and the caller tries again with that much. */
size_t request_write(char *to, size_t room, const struct request_head *head);
