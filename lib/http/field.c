#include "lib/http/field.h"

#include "lib/http/scan.h"

/* clang-format off */
#define SPELT(literal) {literal, sizeof(literal) - 1}
/* clang-format on */

static const struct bytes spellings[FIELD_COUNT] = {
    [FIELD_ACCEPT_ENCODING] = SPELT("Accept-Encoding"),
    [FIELD_CONNECTION] = SPELT("Connection"),
    [FIELD_CONTENT_LENGTH] = SPELT("Content-Length"),
    [FIELD_CONTENT_TYPE] = SPELT("Content-Type"),
    [FIELD_DATE] = SPELT("Date"),
    [FIELD_DELAY] = SPELT("Delay"),
    [FIELD_EXPECT] = SPELT("Expect"),
    [FIELD_HOST] = SPELT("Host"),
    [FIELD_IF_MATCH] = SPELT("If-Match"),
    [FIELD_IF_MODIFIED_SINCE] = SPELT("If-Modified-Since"),
    [FIELD_IF_NONE_MATCH] = SPELT("If-None-Match"),
    [FIELD_IF_RANGE] = SPELT("If-Range"),
    [FIELD_IF_UNMODIFIED_SINCE] = SPELT("If-Unmodified-Since"),
    [FIELD_KEEP_ALIVE] = SPELT("Keep-Alive"),
    [FIELD_RANGE] = SPELT("Range"),
    [FIELD_REFERER] = SPELT("Referer"),
    [FIELD_TRANSFER_ENCODING] = SPELT("Transfer-Encoding"),
    [FIELD_USER_AGENT] = SPELT("User-Agent"),
};

enum {
    LONGEST_NAME = 19,
    NAMES_OF_A_LENGTH = 3, /* at the most */
};

/* The known names of each length. They are counted from one here, so that zero, which fills every
 * gap, is no name. */
static const uint8_t names_by_length[LONGEST_NAME + 1][NAMES_OF_A_LENGTH] = {
    [4] = {FIELD_HOST + 1, FIELD_DATE + 1},
    [5] = {FIELD_RANGE + 1, FIELD_DELAY + 1},
    [6] = {FIELD_EXPECT + 1},
    [7] = {FIELD_REFERER + 1},
    [8] = {FIELD_IF_RANGE + 1, FIELD_IF_MATCH + 1},
    [10] = {FIELD_CONNECTION + 1, FIELD_USER_AGENT + 1, FIELD_KEEP_ALIVE + 1},
    [12] = {FIELD_CONTENT_TYPE + 1},
    [13] = {FIELD_IF_NONE_MATCH + 1},
    [14] = {FIELD_CONTENT_LENGTH + 1},
    [15] = {FIELD_ACCEPT_ENCODING + 1},
    [17] = {FIELD_IF_MODIFIED_SINCE + 1, FIELD_TRANSFER_ENCODING + 1},
    [19] = {FIELD_IF_UNMODIFIED_SINCE + 1},
};

static uint64_t load8(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static uint32_t load4(const char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* Whether `at` holds a known name of `len` bytes in any case. Every known name is made of letters
 * and '-' and is 4 bytes long or more; `at` is a token. So one bit tells the cases apart,
 * nothing else becomes a letter or '-' by it, and whole words can be compared; the last one
 * reaches back over bytes that were compared before. */
static bool same_name(const char *at, const char *known, size_t len)
{
    const uint64_t case8 = 0x2020202020202020;
    const uint32_t case4 = 0x20202020;

    if (len < 8) {
        return ((load4(at) ^ load4(known)) & ~case4) == 0 &&
               ((load4(at + len - 4) ^ load4(known + len - 4)) & ~case4) == 0;
    }
    for (size_t i = 0; i + 8 < len; i += 8) {
        if (((load8(at + i) ^ load8(known + i)) & ~case8) != 0) {
            return false;
        }
    }
    return ((load8(at + len - 8) ^ load8(known + len - 8)) & ~case8) == 0;
}

static enum field_name name_of(struct bytes name)
{
    if (name.len > LONGEST_NAME) {
        return FIELD_OTHER;
    }
    for (int i = 0; i < NAMES_OF_A_LENGTH; i++) {
        unsigned known = names_by_length[name.len][i];
        if (known != 0 && same_name(name.at, spellings[known - 1].at, name.len)) {
            return (enum field_name)(known - 1);
        }
    }
    return FIELD_OTHER;
}

struct bytes field_spelling(enum field_name name)
{
    return spellings[name];
}

/* Checks the line that begins at *at, and moves *at behind its CRLF. */
static enum field_outcome line_read(const char **at, const char *end, struct field *field)
{
    const char *colon = scan_class(*at, end, BYTE_TOKEN);
    if (colon == end) {
        return FIELD_SECTION_MORE;
    }
    if (*colon != ':' || colon == *at) {
        return FIELD_SECTION_MALFORMED;
    }
    const char *stop = scan_text(colon + 1, end);
    switch (scan_line_end(stop, end)) {
    case LINE_MORE:
        return FIELD_SECTION_MORE;
    case LINE_NOT_END:
        return FIELD_SECTION_MALFORMED;
    case LINE_END:
        break;
    }
    field->name = (struct bytes){*at, (size_t)(colon - *at)};
    field->value = scan_trimmed(colon + 1, stop);
    *at = stop + 2;
    return FIELD_SECTION_COMPLETE;
}

static void note(struct fields *fields, const struct field *field)
{
    enum field_name name = name_of(field->name);

    if (name == FIELD_OTHER) {
        return;
    }
    uint32_t bit = (uint32_t)1 << name;
    if (fields->seen & bit) {
        fields->repeated |= bit;
        return;
    }
    fields->seen |= bit;
    fields->value[name] = field->value;
}

enum field_outcome field_section_read(struct bytes text, unsigned max_fields, struct fields *fields,
                                      size_t *size)
{
    if (text.len == 0) {
        return FIELD_SECTION_MORE;
    }
    const char *at = text.at;
    const char *end = at + text.len;
    struct field field;

    fields->seen = 0;
    fields->repeated = 0;
    fields->count = 0;
    while (at < end && *at != '\r') {
        if (fields->count == max_fields) {
            return FIELD_SECTION_TOO_MANY;
        }
        enum field_outcome outcome = line_read(&at, end, &field);
        if (outcome != FIELD_SECTION_COMPLETE) {
            return outcome;
        }
        fields->count++;
        note(fields, &field);
    }
    switch (scan_line_end(at, end)) {
    case LINE_MORE:
        return FIELD_SECTION_MORE;
    case LINE_NOT_END:
        return FIELD_SECTION_MALFORMED;
    case LINE_END:
        break;
    }
    fields->lines = (struct bytes){text.at, (size_t)(at - text.at)};
    *size = fields->lines.len + 2;
    return FIELD_SECTION_COMPLETE;
}

bool field_next(struct bytes *rest, struct field *field)
{
    if (rest->len == 0) {
        return false;
    }
    const char *at = rest->at;
    const char *end = at + rest->len;
    const char *stop = memchr(at, '\r', rest->len);
    const char *colon = stop ? memchr(at, ':', (size_t)(stop - at)) : NULL;
    if (!colon) {
        return false;
    }
    field->name = (struct bytes){at, (size_t)(colon - at)};
    field->value = scan_trimmed(colon + 1, stop);
    *rest = (struct bytes){stop + 2, (size_t)(end - stop - 2)};
    return true;
}

bool field_next_named(struct bytes *rest, enum field_name name, struct bytes *value)
{
    struct field field;

    while (field_next(rest, &field)) {
        if (bytes_equal_nocase(field.name, spellings[name])) {
            *value = field.value;
            return true;
        }
    }
    return false;
}

/* Where the list member that begins at `at` ends: at a comma outside of quotes, or at the end. */
static const char *skip_member(const char *at, const char *end)
{
    bool quoted = false;

    for (; at < end; at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (quoted && *at == '\\' && end - at > 1) {
            at++;
        } else if (!quoted && *at == ',') {
            break;
        }
    }
    return at;
}

bool list_next(struct bytes *rest, struct bytes *member)
{
    if (rest->len == 0) {
        return false;
    }
    const char *at = rest->at;
    const char *end = at + rest->len;
    while (at < end && (*at == ',' || byte_is(*at, BYTE_WHITESPACE))) {
        at++;
    }
    const char *stop = skip_member(at, end);
    *rest = (struct bytes){stop, (size_t)(end - stop)};
    if (stop == at) {
        return false;
    }
    *member = scan_trimmed(at, stop);
    return true;
}

static bool value_lists(struct bytes value, struct bytes token)
{
    struct bytes member;

    while (list_next(&value, &member)) {
        const char *semicolon = memchr(member.at, ';', member.len);
        const char *end = semicolon ? semicolon : member.at + member.len;
        if (bytes_equal_nocase(scan_trimmed(member.at, end), token)) {
            return true;
        }
    }
    return false;
}

bool fields_list(const struct fields *fields, enum field_name name, struct bytes token)
{
    if (!fields_have(fields, name)) {
        return false;
    }
    if (!fields_repeat(fields, name)) {
        return value_lists(fields->value[name], token);
    }
    struct bytes rest = fields->lines;
    struct bytes value;
    while (field_next_named(&rest, name, &value)) {
        if (value_lists(value, token)) {
            return true;
        }
    }
    return false;
}

bool is_token(struct bytes text)
{
    return text.len > 0 &&
           scan_class(text.at, text.at + text.len, BYTE_TOKEN) == text.at + text.len;
}
