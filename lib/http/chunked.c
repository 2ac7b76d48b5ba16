#include "lib/http/chunked.h"

#include "lib/http/scan.h"

/* chunked-body = *chunk last-chunk trailer-section CRLF, as a machine that takes one byte of
 * framing at a time; content is passed on in runs. */
enum state {
    SIZE_FIRST, /* the first digit of a size; zero, where every body begins */
    SIZE_MORE,  /* further digits, or what ends them */
    SIZE_SPACE, /* whitespace behind the size, or an extension: only an extension may follow */
    EXTENSION,  /* behind ';': its name follows */
    EXTENSION_NAME,
    EXTENSION_NAME_SPACE,
    EXTENSION_VALUE, /* behind '=': its value follows, a token or a quoted string */
    EXTENSION_TOKEN,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPE,     /* behind a backslash in quotes */
    EXTENSION_QUOTED_END, /* behind the closing quote */
    SIZE_LF,              /* CR read */
    DATA,                 /* `left` bytes of content */
    DATA_CR,              /* content read to its end */
    DATA_LF,
    TRAILER,       /* at the beginning of a trailer line, or of the empty line */
    TRAILER_NAME,  /* within a trailer's name */
    TRAILER_VALUE, /* behind its colon */
    TRAILER_LF,
    TRAILER_NEXT, /* as TRAILER, behind another line, which may go on */
    LAST_LF,      /* CR of the empty line read */
    OVER,
    BROKEN,
};

enum {
    MOST_OVERHEAD = 16 * 1024,
    /* What each chunk and each byte of content pay of the overhead before them: enough for the
     * chunks of any honest sender, down to one byte each. */
    CHUNK_PAYS = 16,
    BYTE_PAYS = 2,
};

static enum state expect(char byte, char wanted, enum state next)
{
    return byte == wanted ? next : BROKEN;
}

static enum state on_size(struct chunked *chunked, char byte)
{
    if (!byte_is(byte, BYTE_HEXDIGIT) || chunked->left > (uint64_t)INT64_MAX >> 4) {
        return BROKEN;
    }
    chunked->left = chunked->left << 4 | hex_value(byte);
    return SIZE_MORE;
}

/* What ends a size or an extension: chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS
 * chunk-ext-val ] ), RFC 9112 7.1.1. */
static enum state on_size_over(char byte)
{
    switch (byte) {
    case '\r':
        return SIZE_LF;
    case ';':
        return EXTENSION;
    case ' ':
    case '\t':
        return SIZE_SPACE;
    default:
        return BROKEN;
    }
}

static bool is_text(char byte)
{
    return ((unsigned char)byte >= ' ' && byte != 0x7f) || byte == '\t';
}

static enum state on_extension_name(char byte)
{
    if (byte_is(byte, BYTE_TOKEN)) {
        return EXTENSION_NAME;
    }
    if (byte_is(byte, BYTE_WHITESPACE)) {
        return EXTENSION_NAME_SPACE;
    }
    return byte == '=' ? EXTENSION_VALUE : on_size_over(byte);
}

static enum state on_extension_name_space(char byte)
{
    if (byte_is(byte, BYTE_WHITESPACE)) {
        return EXTENSION_NAME_SPACE;
    }
    return byte == '=' ? EXTENSION_VALUE : expect(byte, ';', EXTENSION);
}

static enum state on_extension_value(char byte)
{
    if (byte_is(byte, BYTE_WHITESPACE)) {
        return EXTENSION_VALUE;
    }
    return byte_is(byte, BYTE_TOKEN) ? EXTENSION_TOKEN : expect(byte, '"', EXTENSION_QUOTED);
}

static enum state on_quoted(char byte)
{
    if (byte == '"') {
        return EXTENSION_QUOTED_END;
    }
    if (byte == '\\') {
        return EXTENSION_ESCAPE;
    }
    return is_text(byte) ? EXTENSION_QUOTED : BROKEN;
}

/* One byte of an extension, from its ';' to what ends it. */
static enum state on_extension(enum state state, char byte)
{
    switch (state) {
    case EXTENSION:
        return byte_is(byte, BYTE_WHITESPACE) ? EXTENSION
               : byte_is(byte, BYTE_TOKEN)    ? EXTENSION_NAME
                                              : BROKEN;
    case EXTENSION_NAME:
        return on_extension_name(byte);
    case EXTENSION_NAME_SPACE:
        return on_extension_name_space(byte);
    case EXTENSION_VALUE:
        return on_extension_value(byte);
    case EXTENSION_TOKEN:
        return byte_is(byte, BYTE_TOKEN) ? EXTENSION_TOKEN : on_size_over(byte);
    case EXTENSION_QUOTED:
        return on_quoted(byte);
    case EXTENSION_ESCAPE:
        return is_text(byte) ? EXTENSION_QUOTED : BROKEN;
    default:
        return on_size_over(byte);
    }
}

/* The rest of a trailer line, up to its CR. */
static enum state on_trailer_value(char byte)
{
    if (byte == '\r') {
        return TRAILER_LF;
    }
    return is_text(byte) ? TRAILER_VALUE : BROKEN;
}

static enum state on_name(char byte)
{
    if (byte == ':') {
        return TRAILER_VALUE;
    }
    return byte_is(byte, BYTE_TOKEN) ? TRAILER_NAME : BROKEN;
}

/* At the beginning of a trailer line. */
static enum state on_trailer(char byte)
{
    if (byte == '\r') {
        return LAST_LF;
    }
    return byte == ':' ? BROKEN : on_name(byte);
}

static enum state after(struct chunked *chunked, char byte)
{
    switch ((enum state)chunked->state) {
    case SIZE_FIRST:
        chunked->left = 0;
        return on_size(chunked, byte);
    case SIZE_MORE:
        return byte_is(byte, BYTE_HEXDIGIT) ? on_size(chunked, byte) : on_size_over(byte);
    case SIZE_SPACE:
        return byte_is(byte, BYTE_WHITESPACE) ? SIZE_SPACE : expect(byte, ';', EXTENSION);
    case EXTENSION:
    case EXTENSION_NAME:
    case EXTENSION_NAME_SPACE:
    case EXTENSION_VALUE:
    case EXTENSION_TOKEN:
    case EXTENSION_QUOTED:
    case EXTENSION_ESCAPE:
    case EXTENSION_QUOTED_END:
        return on_extension((enum state)chunked->state, byte);
    case SIZE_LF:
        return expect(byte, '\n', chunked->left > 0 ? DATA : TRAILER);
    case DATA_CR:
        return expect(byte, '\r', DATA_LF);
    case DATA_LF:
        return expect(byte, '\n', SIZE_FIRST);
    case TRAILER:
        return on_trailer(byte);
    case TRAILER_NEXT:
        return chunked->folds && byte_is(byte, BYTE_WHITESPACE) ? TRAILER_VALUE : on_trailer(byte);
    case TRAILER_NAME:
        return on_name(byte);
    case TRAILER_VALUE:
        return on_trailer_value(byte);
    case TRAILER_LF:
        return expect(byte, '\n', TRAILER_NEXT);
    case LAST_LF:
        return expect(byte, '\n', OVER);
    case DATA:
    case OVER:
    case BROKEN:
        break;
    }
    return BROKEN;
}

static void pay(struct chunked *chunked, uint64_t amount)
{
    chunked->overhead -= amount < chunked->overhead ? (uint32_t)amount : chunked->overhead;
}

uint64_t chunked_ahead(const struct chunked *chunked)
{
    return chunked->state == DATA ? chunked->left : 0;
}

void chunked_pass(struct chunked *chunked, uint64_t count)
{
    chunked->left -= count;
    pay(chunked, count > UINT32_MAX ? UINT32_MAX : count * BYTE_PAYS);
    if (chunked->state == DATA && chunked->left == 0) {
        chunked->state = DATA_CR;
    }
}

/* Passes on the content that lies at the beginning of `text`. */
static struct bytes take_data(struct chunked *chunked, struct bytes text)
{
    size_t len = text.len < chunked->left ? text.len : (size_t)chunked->left;

    chunked_pass(chunked, len);
    return (struct bytes){text.at, len};
}

static bool take_byte(struct chunked *chunked, char byte)
{
    enum state next = after(chunked, byte);

    if (++chunked->overhead > MOST_OVERHEAD) {
        next = BROKEN;
    }
    if (next == DATA) {
        pay(chunked, CHUNK_PAYS);
    }
    chunked->state = (uint8_t)next;
    return next != BROKEN;
}

enum chunked_outcome chunked_read(struct chunked *chunked, struct bytes text, size_t *used,
                                  struct bytes *data)
{
    size_t at = 0;

    while (at < text.len && chunked->state != OVER) {
        if (chunked->state == DATA) {
            *data = take_data(chunked, (struct bytes){text.at + at, text.len - at});
            *used = at + data->len;
            return CHUNKED_DATA;
        }
        if (!take_byte(chunked, text.at[at])) {
            return CHUNKED_MALFORMED;
        }
        at++;
    }
    if (chunked->state == BROKEN) {
        return CHUNKED_MALFORMED;
    }
    *used = at;
    return chunked->state == OVER ? CHUNKED_END : CHUNKED_MORE;
}
