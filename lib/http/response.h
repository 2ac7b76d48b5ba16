/* Response heads, read and written (RFC 9112 4). */
#pragma once

#include "lib/http/bytes.h"
#include "lib/http/field.h"

struct response {
    unsigned status; /* 100..599 (and up to 999, which a recipient treats as x00, RFC 9110 15) */
    unsigned minor;  /* HTTP/1.minor: 0, or 1 for every later minor */
    struct bytes reason;
    struct fields fields;
    size_t head_size;
};

enum response_outcome {
    RESPONSE_COMPLETE,
    RESPONSE_MORE,
    RESPONSE_MALFORMED,
    RESPONSE_TOO_LARGE, /* no end within `max_head` bytes, or more than `max_fields` fields */
};

/* Reads one response head at the beginning of `text`. The reason phrase may be empty, and the
 * space before it absent (seen in the wild; RFC 9112 4 lets a client ignore the phrase); all else
 * is read as strictly as in a request. A status below 100 or a version other than HTTP/1 is
 * MALFORMED.
 * Outcome:  see the enum. A refusal comes with the first byte that shows it, and stands whatever
 *           follows; so does COMPLETE. *why, written for every refusal, is a short static phrase.
 * Lifetime: views point into `text`. *response means something on COMPLETE only. Any thread. */
enum response_outcome response_read(struct bytes text, size_t max_head, unsigned max_fields,
                                    struct response *response, const char **why);

/* Copies `text` to `to`, where there is room for it, but with spaces for every line end between two
 * field lines that whitespace follows: what is one line to a client, which has to bear that, and to
 * nobody else (RFC 9112 5.2). False: there is none, nor any use in reading the copy. Behind the
 * status line whitespace is malformed for everybody (2.2) and stays as it is. Any thread. */
bool response_unfold(struct bytes text, char *to);

/* A writer of heads into the caller's room. Once it overflows it stays so and writes no more;
 * ask head_overflowed() at the end. */
struct head {
    char *at;
    size_t room;
    size_t len; /* would-be length; > room after an overflow */
};

static inline bool head_overflowed(const struct head *head)
{
    return head->len > head->room;
}

static inline struct bytes head_bytes(const struct head *head)
{
    return (struct bytes){head->at, head->len};
}

/* "HTTP/1.1 200 OK" and CRLF: the version is always this server's own (RFC 9110 2.5). */
void head_status(struct head *head, unsigned status);
/* "Name: value" and CRLF. */
void head_field(struct head *head, struct bytes name, struct bytes value);
void head_field_number(struct head *head, struct bytes name, unsigned long long number);
/* Bytes as they are. */
void head_text(struct head *head, struct bytes text);
/* The empty line. */
void head_end(struct head *head);
