#include "lib/http/request.h"

#include "lib/http/host.h"
#include "lib/http/scan.h"

/* Fields that may stand but once (RFC 9110 5.3) and that an answer depends on. Host has its own
 * rule, and the two that say where a body ends are judged with the framing. */
static const uint32_t singletons = (uint32_t)1 << FIELD_CONTENT_TYPE | (uint32_t)1 << FIELD_DATE |
                                   (uint32_t)1 << FIELD_IF_MODIFIED_SINCE |
                                   (uint32_t)1 << FIELD_IF_UNMODIFIED_SINCE |
                                   (uint32_t)1 << FIELD_IF_RANGE | (uint32_t)1 << FIELD_RANGE;

enum method method_of(struct bytes text)
{
    switch (text.len) {
    case 3:
        return !memcmp(text.at, "GET", 3)   ? METHOD_GET
               : !memcmp(text.at, "PUT", 3) ? METHOD_PUT
                                            : METHOD_OTHER;
    case 4:
        return !memcmp(text.at, "HEAD", 4)   ? METHOD_HEAD
               : !memcmp(text.at, "POST", 4) ? METHOD_POST
                                             : METHOD_OTHER;
    case 5:
        return !memcmp(text.at, "PATCH", 5)   ? METHOD_PATCH
               : !memcmp(text.at, "TRACE", 5) ? METHOD_TRACE
                                              : METHOD_OTHER;
    case 6:
        return !memcmp(text.at, "DELETE", 6) ? METHOD_DELETE : METHOD_OTHER;
    case 7:
        return !memcmp(text.at, "OPTIONS", 7)   ? METHOD_OPTIONS
               : !memcmp(text.at, "CONNECT", 7) ? METHOD_CONNECT
                                                : METHOD_OTHER;
    default:
        return METHOD_OTHER;
    }
}

/* The parts of a request line are read one after the other, each by a function that moves *at
 * behind what it read. COMPLETE means here: this part is whole and good, go on with the next. */

static enum request_outcome malformed(const char **why, const char *phrase)
{
    *why = phrase;
    return REQUEST_MALFORMED;
}

static enum request_outcome read_method(const char **at, const char *end, struct request *request,
                                        const char **why)
{
    if (end - *at >= 4 && memcmp(*at, "GET ", 4) == 0) {
        request->method_text = (struct bytes){*at, 3};
        request->method = METHOD_GET;
        *at += 4;
        return REQUEST_COMPLETE;
    }
    const char *stop = scan_class(*at, end, BYTE_TOKEN);
    if (stop == end) {
        return REQUEST_MORE;
    }
    if (stop == *at || *stop != ' ') {
        return malformed(why, "malformed method");
    }
    request->method_text = (struct bytes){*at, (size_t)(stop - *at)};
    request->method = method_of(request->method_text);
    *at = stop + 1;
    return REQUEST_COMPLETE;
}

static enum request_outcome read_target(const char **at, const char *end, size_t most,
                                        struct request *request, const char **why)
{
    const char *stop = scan_below(*at, end, '!');
    size_t len = (size_t)(stop - *at);

    if (len > most) {
        *why = "target too long";
        return REQUEST_TARGET_TOO_LONG;
    }
    if (stop == end) {
        return REQUEST_MORE;
    }
    if (len == 0 || *stop != ' ') {
        return malformed(why, "malformed target");
    }
    request->target = (struct bytes){*at, len};
    *at = stop + 1;
    return REQUEST_COMPLETE;
}

/* HTTP-version = "HTTP/" DIGIT "." DIGIT, and the end of the line. */
static enum request_outcome read_version(const char **at, const char *end, struct request *request,
                                         const char **why)
{
    static const char form[] = "HTTP/0.0";
    const size_t len = sizeof(form) - 1;
    const char *from = *at;

    if (end - from >= 10 && memcmp(from, "HTTP/1.1\r\n", 10) == 0) {
        request->minor = 1;
        *at = from + 10;
        return REQUEST_COMPLETE;
    }
    for (size_t i = 0; i < len; i++) {
        if (from + i == end) {
            return REQUEST_MORE;
        }
        if (form[i] == '0' ? !byte_is(from[i], BYTE_DIGIT) : from[i] != form[i]) {
            return malformed(why, "malformed version");
        }
    }
    switch (scan_line_end(from + len, end)) {
    case LINE_MORE:
        return REQUEST_MORE;
    case LINE_NOT_END:
        return malformed(why, "malformed end of the request line");
    case LINE_END:
        break;
    }
    if (from[5] != '1') {
        *why = "this server speaks HTTP/1";
        return REQUEST_VERSION;
    }
    request->minor = from[7] != '0';
    *at = from + len + 2;
    return REQUEST_COMPLETE;
}

static enum request_outcome read_fields(const char **at, const char *end, unsigned max_fields,
                                        struct fields *fields, const char **why)
{
    size_t size;

    switch (
        field_section_read((struct bytes){*at, (size_t)(end - *at)}, max_fields, fields, &size)) {
    case FIELD_SECTION_MORE:
        return REQUEST_MORE;
    case FIELD_SECTION_MALFORMED:
        return malformed(why, "malformed field line");
    case FIELD_SECTION_TOO_MANY:
        *why = "too many fields";
        return REQUEST_TOO_MANY_FIELDS;
    case FIELD_SECTION_COMPLETE:
        break;
    }
    *at += size;
    return REQUEST_COMPLETE;
}

/* What only the whole head can show. */
static enum request_outcome judge_head(const struct request *request, const char **why)
{
    const struct fields *fields = &request->fields;

    if (!fields_have(fields, FIELD_HOST)) {
        if (request->minor > 0) {
            return malformed(why, "no Host field");
        }
    } else if (fields_repeat(fields, FIELD_HOST)) {
        return malformed(why, "more than one Host field");
    } else if (!host_is_valid(fields->value[FIELD_HOST])) {
        return malformed(why, "malformed Host field");
    }
    if (fields->repeated & singletons) {
        return malformed(why, "a field repeated that may stand but once");
    }
    return REQUEST_COMPLETE;
}

/* The longest target that the limits let through: one that the head has no room for, with the
 * space behind it, is too long a target rather than too large a head. */
static size_t most_target(const struct request_limits *limits, size_t before)
{
    size_t left = limits->head > before ? limits->head - before - 1 : 0;

    return limits->target < left ? limits->target : left;
}

static enum request_outcome read_head(const char **at, const char *end,
                                      const struct request_limits *limits, struct request *request,
                                      const char **why)
{
    const char *from = *at;
    enum request_outcome outcome = read_method(at, end, request, why);

    if (outcome == REQUEST_COMPLETE) {
        outcome = read_target(at, end, most_target(limits, (size_t)(*at - from)), request, why);
    }
    if (outcome == REQUEST_COMPLETE) {
        outcome = read_version(at, end, request, why);
    }
    if (outcome == REQUEST_COMPLETE) {
        outcome = read_fields(at, end, limits->fields, &request->fields, why);
    }
    if (outcome == REQUEST_COMPLETE) {
        outcome = judge_head(request, why);
    }
    return outcome;
}

enum request_outcome request_read(struct bytes text, const struct request_limits *limits,
                                  struct request *request, const char **why)
{
    if (text.len == 0) {
        return REQUEST_MORE;
    }
    const char *at = text.at;
    const char *end = at + text.len;
    if (*at == '\r') {
        switch (scan_line_end(at, end)) {
        case LINE_MORE:
            return REQUEST_MORE;
        case LINE_NOT_END:
            return malformed(why, "malformed empty line before the request");
        case LINE_END:
            at += 2;
        }
    }
    bool cut = (size_t)(end - at) >= limits->head;
    if (cut) {
        end = at + limits->head;
    }
    const char *start = at;
    enum request_outcome outcome = read_head(&at, end, limits, request, why);
    if (outcome == REQUEST_MORE && cut && at == start) {
        *why = "method too long";
        return REQUEST_METHOD_TOO_LONG;
    }
    if (outcome == REQUEST_MORE && cut) {
        *why = "head too large";
        return REQUEST_FIELDS_TOO_LARGE;
    }
    request->head_size = (size_t)(at - text.at);
    return outcome;
}

enum expectation request_expectation(const struct request *request)
{
    enum expectation expectation = EXPECTS_NOTHING;
    struct bytes rest = request->fields.lines;
    struct bytes value;
    struct bytes member;

    if (request->minor == 0 || !fields_have(&request->fields, FIELD_EXPECT)) {
        return EXPECTS_NOTHING;
    }
    while (field_next_named(&rest, FIELD_EXPECT, &value)) {
        while (list_next(&value, &member)) {
            if (!bytes_equal_nocase(member, BYTES("100-continue"))) {
                return EXPECTS_OTHER;
            }
            expectation = EXPECTS_CONTINUE;
        }
    }
    return expectation;
}

size_t request_write(char *to, size_t room, const struct request_head *head)
{
    const struct bytes parts[] = {
        head->method, BYTES(" "),    head->target, BYTES(" HTTP/1.1\r\nHost: "),
        head->host,   BYTES("\r\n"), head->fields, BYTES("\r\n"),
    };
    const size_t count = sizeof(parts) / sizeof(parts[0]);
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size += parts[i].len;
    }
    if (size > room) {
        return size;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            memcpy(to, parts[i].at, parts[i].len);
            to += parts[i].len;
        }
    }
    return size;
}
