#include "lib/http/condition.h"

#include "lib/http/date.h"
#include "lib/http/scan.h"

/* entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE (RFC 9110 8.8.3). A backslash escapes nothing in it,
 * and whitespace, which is no etagc, does no harm: such a tag matches nothing. */
struct tag {
    bool weak;
    struct bytes opaque; /* with its quotes */
};

/* Reads the tag at the beginning of [at, end): where it ends, NULL if there is none. */
static const char *read_tag(const char *at, const char *end, struct tag *tag)
{
    tag->weak = end - at >= 2 && at[0] == 'W' && at[1] == '/';
    at += tag->weak ? 2 : 0;
    if (at == end || *at != '"') {
        return NULL;
    }
    const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
    if (!close) {
        return NULL;
    }
    tag->opaque = (struct bytes){at, (size_t)(close + 1 - at)};
    return close + 1;
}

/* Takes the next well-formed tag of a list, and skips members that are none: they match nothing. */
static bool tag_next(struct bytes *rest, struct tag *tag)
{
    while (rest->len > 0) {
        const char *at = rest->at;
        const char *end = at + rest->len;
        while (at < end && (*at == ',' || byte_is(*at, BYTE_WHITESPACE))) {
            at++;
        }
        const char *stop = read_tag(at, end, tag);
        bool found = stop != NULL;
        at = found ? scan_class(stop, end, BYTE_WHITESPACE) : at;
        bool alone = at == end || *at == ',';
        while (at < end && *at != ',') {
            at++;
        }
        *rest = (struct bytes){at, (size_t)(end - at)};
        if (found && alone) {
            return true;
        }
    }
    return false;
}

enum comparison {
    WEAK,
    STRONG
};

/* RFC 9110 8.8.3.2. */
static bool tag_matches(const struct tag *tag, const struct validators *have,
                        enum comparison comparison)
{
    return have->exists && have->etag.len > 0 &&
           !(comparison == STRONG && (tag->weak || have->weak)) &&
           bytes_equal(tag->opaque, have->etag);
}

static bool value_matches(struct bytes value, const struct validators *have,
                          enum comparison comparison)
{
    struct tag tag;

    if (bytes_equal(value, BYTES("*"))) {
        return have->exists;
    }
    while (tag_next(&value, &tag)) {
        if (tag_matches(&tag, have, comparison)) {
            return true;
        }
    }
    return false;
}

/* Whether If-Match or If-None-Match, on however many lines, names what we have. */
static bool names_ours(const struct fields *fields, enum field_name name,
                       const struct validators *have, enum comparison comparison)
{
    struct bytes rest = fields->lines;
    struct bytes value;

    while (field_next_named(&rest, name, &value)) {
        if (value_matches(value, have, comparison)) {
            return true;
        }
    }
    return false;
}

/* Reads the date of a precondition; false where RFC 9110 13.1.3 and 13.1.4 have it ignored. */
static bool date_counts(const struct fields *fields, enum field_name name,
                        const struct validators *have, int64_t now, int64_t *seconds)
{
    return have->exists && !have->undated && fields_have(fields, name) &&
           date_read(fields->value[name], now, seconds);
}

/* RFC 9110 13.1.5. */
static bool if_range_holds(struct bytes value, const struct validators *have, int64_t now)
{
    struct tag tag;
    int64_t seconds;
    const char *end = value.at + value.len;

    if (read_tag(value.at, end, &tag) == end) {
        return tag_matches(&tag, have, STRONG);
    }
    return have->exists && !have->undated && date_read(value, now, &seconds) &&
           seconds == have->last_modified && have->last_modified < now;
}

static enum condition_outcome judge_range(const struct request *request,
                                          const struct validators *have, int64_t now)
{
    const struct fields *fields = &request->fields;

    if (request->method != METHOD_GET || !fields_have(fields, FIELD_RANGE) ||
        !fields_have(fields, FIELD_IF_RANGE)) {
        return CONDITION_GO;
    }
    return if_range_holds(fields->value[FIELD_IF_RANGE], have, now) ? CONDITION_GO
                                                                    : CONDITION_GO_WHOLE;
}

/* CONNECT, OPTIONS and TRACE select no representation: nothing is to be judged (13.2.1). */
static bool selects(enum method method)
{
    return method != METHOD_CONNECT && method != METHOD_OPTIONS && method != METHOD_TRACE;
}

/* The steps are numbered as in RFC 9110 13.2.2. */
enum condition_outcome condition_judge(const struct request *request, const struct validators *have,
                                       int64_t now)
{
    const struct fields *fields = &request->fields;
    bool reading = request->method == METHOD_GET || request->method == METHOD_HEAD;
    int64_t since;

    if (!selects(request->method)) {
        return CONDITION_GO;
    }
    /* 1 and 2 */
    if (fields_have(fields, FIELD_IF_MATCH)) {
        if (!names_ours(fields, FIELD_IF_MATCH, have, STRONG)) {
            return CONDITION_FAILED;
        }
    } else if (date_counts(fields, FIELD_IF_UNMODIFIED_SINCE, have, now, &since) &&
               have->last_modified > since) {
        return CONDITION_FAILED;
    }
    /* 3 and 4 */
    if (fields_have(fields, FIELD_IF_NONE_MATCH)) {
        if (names_ours(fields, FIELD_IF_NONE_MATCH, have, WEAK)) {
            return reading ? CONDITION_NOT_MODIFIED : CONDITION_FAILED;
        }
    } else if (reading && date_counts(fields, FIELD_IF_MODIFIED_SINCE, have, now, &since) &&
               have->last_modified <= since) {
        return CONDITION_NOT_MODIFIED;
    }
    /* 5 and 6 */
    return judge_range(request, have, now);
}
