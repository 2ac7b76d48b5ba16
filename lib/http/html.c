#include "lib/http/html.h"

/* The reference for a byte that means something in a page; of no length for one that does not. */
static struct bytes reference_of(char byte)
{
    switch (byte) {
    case '&':
        return BYTES("&amp;");
    case '<':
        return BYTES("&lt;");
    case '>':
        return BYTES("&gt;");
    case '"':
        return BYTES("&quot;");
    case '\'':
        return BYTES("&#39;");
    default:
        return (struct bytes){0};
    }
}

static bool is_within(unsigned char byte, unsigned low, unsigned high)
{
    return byte >= low && byte <= high;
}

/* The length of the character at the beginning of `text`, 0 if it is none (RFC 3629 4): neither
 * overlong, nor a surrogate, nor beyond U+10FFFF; and no control, C1 included. */
static size_t character(struct bytes text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    unsigned char first = at[0];

    if (first < 0x80) {
        return first >= 0x20 && first != 0x7f;
    }
    if (text.len >= 2 && is_within(first, 0xc2, 0xdf)) {
        return is_within(at[1], first == 0xc2 ? 0xa0 : 0x80, 0xbf) ? 2 : 0;
    }
    if (text.len >= 3 && is_within(first, 0xe0, 0xef)) {
        unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        unsigned high = first == 0xed ? 0x9f : 0xbf;
        return is_within(at[1], low, high) && is_within(at[2], 0x80, 0xbf) ? 3 : 0;
    }
    if (text.len >= 4 && is_within(first, 0xf0, 0xf4)) {
        unsigned low = first == 0xf0 ? 0x90 : 0x80;
        unsigned high = first == 0xf4 ? 0x8f : 0xbf;
        return is_within(at[1], low, high) && is_within(at[2], 0x80, 0xbf) &&
                       is_within(at[3], 0x80, 0xbf)
                   ? 4
                   : 0;
    }
    return 0;
}

void html_text(struct head *head, struct bytes text)
{
    while (text.len > 0) {
        size_t len = character(text);
        struct bytes reference = reference_of(*text.at);
        if (len == 0) {
            head_text(head, BYTES("\xef\xbf\xbd"));
            len = 1;
        } else if (reference.len > 0) {
            head_text(head, reference);
        } else {
            head_text(head, (struct bytes){text.at, len});
        }
        text = (struct bytes){text.at + len, text.len - len};
    }
}
