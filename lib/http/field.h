/* Field lines (RFC 9110 5, RFC 9112 5): read in place, found by name, split into list members.
 *
 * A head is not copied into a table. field_section_read() checks every line once, keeps views of
 * the fields this project acts upon, and leaves the rest where they lie; whoever needs another
 * (a log, a trace) walks the checked lines again with field_next(). */
#pragma once

#include "lib/http/bytes.h"

#include <stdint.h>

/* The fields that something in this project decides by, or keeps a record of. */
enum field_name {
    FIELD_ACCEPT_ENCODING,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_TYPE,
    FIELD_DATE,
    FIELD_DELAY,
    FIELD_EXPECT,
    FIELD_HOST,
    FIELD_IF_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_RANGE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELD_KEEP_ALIVE,
    FIELD_RANGE,
    FIELD_REFERER,
    FIELD_TRANSFER_ENCODING,
    FIELD_USER_AGENT,
    FIELD_COUNT,
    FIELD_OTHER = FIELD_COUNT,
};

/* What one head's field section said. `lines` begins after the start line's CRLF and ends after
 * the last field's CRLF (before the empty line); all views point into the caller's bytes. */
struct fields {
    struct bytes lines;
    uint32_t seen;                   /* bit per enum field_name: present at least once */
    uint32_t repeated;               /* bit per enum field_name: present on more than one line */
    unsigned count;                  /* lines in all */
    struct bytes value[FIELD_COUNT]; /* the first line's value, without surrounding whitespace;
                                        meaningful only where `seen` says so */
};

struct field {
    struct bytes name;
    struct bytes value; /* without surrounding whitespace */
};

static inline bool fields_have(const struct fields *fields, enum field_name name)
{
    return fields->seen >> name & 1;
}

static inline bool fields_repeat(const struct fields *fields, enum field_name name)
{
    return fields->repeated >> name & 1;
}

enum field_outcome {
    FIELD_SECTION_COMPLETE, /* *fields is set, *size counts the section and its empty line */
    FIELD_SECTION_MORE,     /* no empty line within `text` yet; nothing bad seen so far */
    FIELD_SECTION_MALFORMED,
    FIELD_SECTION_TOO_MANY, /* more than `max_fields` lines */
};

/* Reads the field lines at the beginning of `text` up to and including the empty line.
 * Strict (RFC 9112 2.2, 5): lines end in CRLF and nothing else; a bare CR, a bare LF, NUL or any
 * other control byte but HTAB, whitespace before the colon, an empty or non-token name, and
 * obsolete line folding are MALFORMED, and found as early as the bytes allow, not only when the
 * section is whole. obs-text (0x80-0xff) is allowed in values.
 * Lifetime: keeps views into `text`. *fields and *size mean something on COMPLETE only; what
 *           *fields holds after another outcome is left open. Any thread. */
enum field_outcome field_section_read(struct bytes text, unsigned max_fields, struct fields *fields,
                                      size_t *size);

/* Walks lines that field_section_read() has checked: set *rest to fields->lines, then call until it
 * returns false. */
bool field_next(struct bytes *rest, struct field *field);

/* The same for every line of one known field, first to last. */
bool field_next_named(struct bytes *rest, enum field_name name, struct bytes *value);

/* The canonical spelling of a known field's name, e.g. "If-None-Match". */
struct bytes field_spelling(enum field_name name);

/* Splits a comma-separated list (RFC 9110 5.6.1): set *rest to a field's value, then call until it
 * returns false. Skips empty members and does not split inside quoted strings; *member has no
 * surrounding whitespace and is never empty. */
bool list_next(struct bytes *rest, struct bytes *member);

/* Whether any line of the field `name` lists `token`, without regard to case; parameters after a
 * ';' are no part of the token. */
bool fields_list(const struct fields *fields, enum field_name name, struct bytes token);

/* Whether `text` is a token (RFC 9110 5.6.2): at least one byte, tchar all of them. */
bool is_token(struct bytes text);
