#include "lib/http/response.h"

#include "lib/http/scan.h"
#include "lib/http/status.h"

static enum response_outcome malformed(const char **why, const char *phrase)
{
    *why = phrase;
    return RESPONSE_MALFORMED;
}

/* HTTP-version SP status-code: "HTTP/1." DIGIT SP 3DIGIT, *at moved behind it. */
static enum response_outcome read_status(const char **at, const char *end,
                                         struct response *response, const char **why)
{
    static const char form[] = "HTTP/1.0 000";
    const size_t len = sizeof(form) - 1;
    const char *from = *at;

    for (size_t i = 0; i < len; i++) {
        if (from + i == end) {
            return RESPONSE_MORE;
        }
        if (form[i] == '0' ? !byte_is(from[i], BYTE_DIGIT) : from[i] != form[i]) {
            return malformed(why, "malformed status line");
        }
    }
    response->minor = from[7] != '0';
    response->status = (unsigned)((from[9] - '0') * 100 + (from[10] - '0') * 10 + (from[11] - '0'));
    if (response->status < 100) {
        return malformed(why, "status below 100");
    }
    *at = from + len;
    return RESPONSE_COMPLETE;
}

/* [SP reason-phrase] CRLF, the phrase possibly empty. */
static enum response_outcome read_reason(const char **at, const char *end,
                                         struct response *response, const char **why)
{
    if (*at == end) {
        return RESPONSE_MORE;
    }
    const char *from = **at == ' ' ? *at + 1 : *at;
    const char *stop = from > *at ? scan_text(from, end) : from;
    switch (scan_line_end(stop, end)) {
    case LINE_MORE:
        return RESPONSE_MORE;
    case LINE_NOT_END:
        return malformed(why, "malformed status line");
    case LINE_END:
        break;
    }
    response->reason = (struct bytes){from, (size_t)(stop - from)};
    *at = stop + 2;
    return RESPONSE_COMPLETE;
}

static enum response_outcome read_fields(const char **at, const char *end, unsigned max_fields,
                                         struct fields *fields, const char **why)
{
    size_t size;

    switch (
        field_section_read((struct bytes){*at, (size_t)(end - *at)}, max_fields, fields, &size)) {
    case FIELD_SECTION_MORE:
        return RESPONSE_MORE;
    case FIELD_SECTION_MALFORMED:
        return malformed(why, "malformed field line");
    case FIELD_SECTION_TOO_MANY:
        *why = "too many fields";
        return RESPONSE_TOO_LARGE;
    case FIELD_SECTION_COMPLETE:
        break;
    }
    *at += size;
    return RESPONSE_COMPLETE;
}

enum response_outcome response_read(struct bytes text, size_t max_head, unsigned max_fields,
                                    struct response *response, const char **why)
{
    if (text.len == 0) {
        return RESPONSE_MORE;
    }
    const char *at = text.at;
    bool cut = text.len >= max_head;
    const char *end = at + (cut ? max_head : text.len);

    enum response_outcome outcome = read_status(&at, end, response, why);
    if (outcome == RESPONSE_COMPLETE) {
        outcome = read_reason(&at, end, response, why);
    }
    if (outcome == RESPONSE_COMPLETE) {
        outcome = read_fields(&at, end, max_fields, &response->fields, why);
    }
    if (outcome == RESPONSE_MORE && cut) {
        *why = "head too large";
        return RESPONSE_TOO_LARGE;
    }
    response->head_size = (size_t)(at - text.at);
    return outcome;
}

bool response_unfold(struct bytes text, char *to)
{
    const char *first = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
    size_t at = first ? (size_t)(first - text.at) + 1 : text.len;
    bool folded = false;

    if (at == text.len || text.at[at] == '\r') {
        return false; /* no field line */
    }
    memcpy(to, text.at, text.len);
    for (size_t i = at; i + 2 < text.len; i++) {
        bool is_end = to[i] == '\r' && to[i + 1] == '\n';
        if (is_end && to[i + 2] == '\r') {
            break; /* the empty line */
        }
        if (is_end && byte_is(to[i + 2], BYTE_WHITESPACE)) {
            to[i] = to[i + 1] = ' ';
            folded = true;
        }
    }
    return folded;
}

void head_text(struct head *head, struct bytes text)
{
    bool fits = !head_overflowed(head) && text.len <= head->room - head->len;

    if (fits && text.len > 0) {
        memcpy(head->at + head->len, text.at, text.len);
    }
    head->len += text.len;
}

void head_status(struct head *head, unsigned status)
{
    char digits[20];
    size_t len = bytes_from_number(digits, status);

    head_text(head, BYTES("HTTP/1.1 "));
    head_text(head, (struct bytes){digits, len});
    head_text(head, BYTES(" "));
    head_text(head, status_reason(status));
    head_end(head);
}

void head_field(struct head *head, struct bytes name, struct bytes value)
{
    head_text(head, name);
    head_text(head, BYTES(": "));
    head_text(head, value);
    head_end(head);
}

void head_field_number(struct head *head, struct bytes name, unsigned long long number)
{
    char digits[20];
    size_t len = bytes_from_number(digits, number);

    head_field(head, name, (struct bytes){digits, len});
}

void head_end(struct head *head)
{
    head_text(head, BYTES("\r\n"));
}
