#include "lib/http/framing.h"

#include "lib/http/scan.h"

/* What a message's transfer codings come down to, in the order they were applied (RFC 9112 6.1). */
enum codings {
    CODINGS_NONE,
    CODINGS_CHUNKED,       /* "chunked" alone */
    CODINGS_OTHER,         /* others alone: only the end of the connection ends the body */
    CODINGS_OTHER_CHUNKED, /* others, and "chunked" last */
    CODINGS_CHUNKED_OTHER, /* "chunked", and others behind it */
    CODINGS_MALFORMED,     /* not a list of codings, or "chunked" twice */
};

/* What the codings come down to when `member` follows those before. An empty member is malformed
 * where the list rule (RFC 9110 5.6.1.2) would skip it: a peer that reads it in another way sees
 * another end of the message. So is a parameter of chunked, which has none (RFC 9112 7.1). */
static enum codings add_coding(enum codings before, struct bytes member)
{
    const char *end = member.at + member.len;
    const char *semicolon = memchr(member.at, ';', member.len);
    struct bytes name = scan_trimmed(member.at, semicolon ? semicolon : end);

    bool is_chunked = before != CODINGS_NONE && before != CODINGS_OTHER;

    if (before == CODINGS_MALFORMED || !is_token(name)) {
        return CODINGS_MALFORMED;
    }
    if (!bytes_equal_nocase(name, BYTES("chunked"))) {
        return is_chunked ? CODINGS_CHUNKED_OTHER : CODINGS_OTHER;
    }
    if (semicolon || is_chunked) {
        return CODINGS_MALFORMED;
    }
    return before == CODINGS_NONE ? CODINGS_CHUNKED : CODINGS_OTHER_CHUNKED;
}

/* Splits at every comma: one inside a quoted parameter leaves a piece that is no coding. */
static enum codings add_line(enum codings before, struct bytes value)
{
    const char *at = value.at;
    const char *end = at + value.len;
    const char *comma;

    while ((comma = memchr(at, ',', (size_t)(end - at)))) {
        before = add_coding(before, scan_trimmed(at, comma));
        at = comma + 1;
    }
    return add_coding(before, scan_trimmed(at, end));
}

static enum codings codings_of(const struct fields *fields)
{
    enum codings codings = CODINGS_NONE;
    struct bytes rest = fields->lines;
    struct bytes value;

    while (field_next_named(&rest, FIELD_TRANSFER_ENCODING, &value)) {
        codings = add_line(codings, value);
    }
    return codings;
}

static struct framing refused(unsigned status, const char *why)
{
    return (struct framing){.kind = FRAMING_REFUSED, .status = status, .why = why};
}

static struct framing framing_by_length(const struct fields *fields)
{
    unsigned long long length;

    if (fields_repeat(fields, FIELD_CONTENT_LENGTH)) {
        return refused(400, "more than one Content-Length");
    }
    if (!bytes_to_number(fields->value[FIELD_CONTENT_LENGTH], &length)) {
        return refused(400, "malformed Content-Length");
    }
    return (struct framing){.kind = FRAMING_LENGTH, .length = length};
}

static struct framing framing_by_codings(const struct request *request)
{
    const struct fields *fields = &request->fields;

    if (request->minor == 0) {
        return refused(400, "Transfer-Encoding in HTTP/1.0");
    }
    if (fields_have(fields, FIELD_CONTENT_LENGTH)) {
        return refused(400, "Content-Length beside Transfer-Encoding");
    }
    if (fields_repeat(fields, FIELD_TRANSFER_ENCODING)) {
        return refused(400, "more than one Transfer-Encoding");
    }
    switch (codings_of(fields)) {
    case CODINGS_CHUNKED:
        return (struct framing){.kind = FRAMING_CHUNKED};
    case CODINGS_OTHER_CHUNKED:
        return refused(501, "a transfer coding other than chunked");
    case CODINGS_OTHER:
    case CODINGS_CHUNKED_OTHER:
        return refused(400, "a transfer coding that does not end in chunked");
    case CODINGS_NONE:
    case CODINGS_MALFORMED:
        break;
    }
    return refused(400, "malformed Transfer-Encoding");
}

struct framing framing_of_request(const struct request *request)
{
    if (fields_have(&request->fields, FIELD_TRANSFER_ENCODING)) {
        return framing_by_codings(request);
    }
    if (fields_have(&request->fields, FIELD_CONTENT_LENGTH)) {
        return framing_by_length(&request->fields);
    }
    return (struct framing){.kind = FRAMING_NONE};
}

/* RFC 9112 6.3, items 1 and 2. */
static bool lacks_body(const struct response *response, enum method to)
{
    return to == METHOD_HEAD || response->status < 200 || response->status == 204 ||
           response->status == 304 || (to == METHOD_CONNECT && response->status < 300);
}

struct framing framing_of_response(const struct response *response, enum method to)
{
    const struct fields *fields = &response->fields;

    if (lacks_body(response, to)) {
        return (struct framing){.kind = FRAMING_NONE};
    }
    if (fields_have(fields, FIELD_TRANSFER_ENCODING)) {
        if (response->minor == 0) {
            return refused(0, "Transfer-Encoding in HTTP/1.0");
        }
        switch (codings_of(fields)) {
        case CODINGS_CHUNKED:
        case CODINGS_OTHER_CHUNKED:
            return (struct framing){.kind = FRAMING_CHUNKED};
        case CODINGS_OTHER:
        case CODINGS_CHUNKED_OTHER:
            return (struct framing){.kind = FRAMING_CLOSE};
        case CODINGS_NONE:
        case CODINGS_MALFORMED:
            break;
        }
        return refused(0, "malformed Transfer-Encoding");
    }
    if (fields_have(fields, FIELD_CONTENT_LENGTH)) {
        return framing_by_length(fields);
    }
    return (struct framing){.kind = FRAMING_CLOSE};
}

static bool persists(const struct fields *fields, unsigned minor)
{
    if (!fields_have(fields, FIELD_CONNECTION)) {
        return minor > 0;
    }
    if (fields_list(fields, FIELD_CONNECTION, BYTES("close"))) {
        return false;
    }
    return minor > 0 || fields_list(fields, FIELD_CONNECTION, BYTES("keep-alive"));
}

bool framing_request_persists(const struct request *request)
{
    return persists(&request->fields, request->minor);
}

bool framing_response_persists(const struct response *response)
{
    const struct fields *fields = &response->fields;
    bool twice =
        fields_have(fields, FIELD_TRANSFER_ENCODING) && fields_have(fields, FIELD_CONTENT_LENGTH);

    return !twice && persists(fields, response->minor);
}
