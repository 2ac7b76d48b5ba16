#include "server/ledger/line.h"

#include "lib/http/date.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <time.h>

static char *put(char *to, struct bytes bytes)
{
    memcpy(to, bytes.at, bytes.len);
    return to + bytes.len;
}

#define PUT(to, literal) put((to), BYTES(literal))

static char *put_number(char *to, uint64_t number)
{
    return to + bytes_from_number(to, number);
}

/* --- texts that strangers wrote --------------------------------------------------------------- */

static bool is_plain_byte(unsigned char byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

/* Whether eight bytes are plain, all at once: of each kind that is not, a lane's top bit is set.
 * (Hacker's Delight 6-1: a borrow may set a bit above a lane that is set already, never alone.) */
static bool is_plain_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), top = ones << 7;
    uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\', del = word ^ ones * 0x7f;
    uint64_t odd = word | ((word - ones * ' ') & ~word) | ((quote - ones) & ~quote) |
                   ((slash - ones) & ~slash) | ((del - ones) & ~del);
    return (odd & top) == 0;
}

static char *put_odd(char *to, unsigned char byte, enum line_format format)
{
    static const char digits[] = "0123456789ABCDEF";
    if (format == LINE_JSON && (byte == '"' || byte == '\\')) {
        *to++ = '\\';
        *to++ = (char)byte;
        return to;
    }
    to = format == LINE_JSON ? PUT(to, "\\u00") : PUT(to, "\\x");
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

/* The next eight bytes of a text; spaces stand for what is behind its end. */
static uint64_t next_word(const char *at, size_t left)
{
    const uint64_t spaces = UINT64_C(0x2020202020202020);
    uint64_t word;
    memcpy(&word, at, sizeof(word)); /* RECORD_SLACK */
    if (left < sizeof(word)) {
        uint64_t mask = htole64((UINT64_C(1) << 8 * left) - 1);
        word = (word & mask) | (spaces & ~mask);
    }
    return word;
}

static char *put_text(char *to, const struct record *record, enum record_text which,
                      enum line_format format)
{
    struct bytes text = record_text(record, which);
    for (size_t i = 0; i < text.len;) {
        uint64_t word = next_word(text.at + i, text.len - i);
        size_t size = text.len - i < sizeof(word) ? text.len - i : sizeof(word);
        if (is_plain_word(word)) {
            memcpy(to, &word, sizeof(word));
            to += size;
            i += size;
            continue;
        }
        for (; size > 0; size--) {
            unsigned char byte = (unsigned char)text.at[i++];
            if (is_plain_byte(byte)) {
                *to++ = (char)byte;
            } else {
                to = put_odd(to, byte, format);
            }
        }
    }
    return record->cut >> which & 1 ? PUT(to, "...") : to;
}

/* --- who and when ----------------------------------------------------------------------------- */

static char *put_client(char *to, const struct client *client)
{
    switch ((enum client_kind)client->kind) {
    case CLIENT_V4:
        for (int i = 0; i < 4; i++) {
            to = put_number(to, client->at[i]);
            *to++ = '.';
        }
        return to - 1;
    case CLIENT_V6:
        inet_ntop(AF_INET6, client->at, to, INET6_ADDRSTRLEN);
        return to + strlen(to);
    case CLIENT_LOCAL:
        break;
    }
    return PUT(to, "unix:");
}

/* Formatted once a second, not once a line. */
static void date(struct line_writer *writer, int64_t second)
{
    char text[DATE_SIZE]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    struct tm tm;
    time_t time = (time_t)second;
    writer->dated = true;
    writer->second = second;
    if (writer->format == LINE_JSON) {
        gmtime_r(&time, &tm);
        writer->date_len = strftime(writer->date, sizeof(writer->date), "%Y-%m-%dT%H:%M:%SZ", &tm);
        return;
    }
    date_write(text, second);
    writer->date_len =
        (size_t)snprintf(writer->date, sizeof(writer->date), "%.2s/%.3s/%.4s:%.8s +0000", text + 5,
                         text + 8, text + 12, text + 17);
}

static char *put_date(char *to, struct line_writer *writer, int64_t second)
{
    if (!writer->dated || writer->second != second) {
        date(writer, second);
    }
    memcpy(to, writer->date, sizeof(writer->date)); /* all of it: so it takes no call */
    return to + writer->date_len;
}

/* --- a line ----------------------------------------------------------------------------------- */

static bool is_request(const struct record *record)
{
    return record->len[TEXT_METHOD] > 0;
}

static bool is_absent(const struct record *record, enum record_text which)
{
    return record->absent >> which & 1;
}

static char *put_field(char *to, const struct record *record, enum record_text which)
{
    to = PUT(to, " \"");
    to = is_absent(record, which) ? PUT(to, "-") : put_text(to, record, which, LINE_COMBINED);
    *to++ = '"';
    return to;
}

static char *put_combined(char *to, struct line_writer *writer, const struct record *record)
{
    to = put_client(to, &record->client);
    to = PUT(to, " - - [");
    to = put_date(to, writer, record->wall_s);
    to = PUT(to, "] \"");
    if (is_request(record)) {
        to = put_text(to, record, TEXT_METHOD, LINE_COMBINED);
        *to++ = ' ';
    }
    to = put_text(to, record, TEXT_TARGET, LINE_COMBINED);
    if (is_request(record)) {
        to = record->minor > 0 ? PUT(to, " HTTP/1.1") : PUT(to, " HTTP/1.0");
    }
    to = PUT(to, "\" ");
    to = put_number(to, record->status);
    *to++ = ' ';
    to = put_number(to, record->body);
    to = put_field(to, record, TEXT_REFERER);
    to = put_field(to, record, TEXT_AGENT);
    *to++ = ' ';
    to = put_number(to, record->took_us);
    *to++ = ' ';
    to = put_number(to, record->connection);
    *to++ = ' ';
    return put_number(to, record->number);
}

static char *put_string(char *to, const struct record *record, enum record_text which)
{
    if (is_absent(record, which)) {
        return PUT(to, "null");
    }
    *to++ = '"';
    to = put_text(to, record, which, LINE_JSON);
    *to++ = '"';
    return to;
}

static char *put_json_request(char *to, const struct record *record)
{
    to = PUT(to, ",\"method\":");
    to = is_request(record) ? put_string(to, record, TEXT_METHOD) : PUT(to, "null");
    to = PUT(to, ",\"target\":");
    to = put_string(to, record, TEXT_TARGET);
    to = PUT(to, ",\"version\":");
    return !is_request(record) ? PUT(to, "null")
           : record->minor > 0 ? PUT(to, "\"HTTP/1.1\"")
                               : PUT(to, "\"HTTP/1.0\"");
}

static char *put_json(char *to, struct line_writer *writer, const struct record *record)
{
    to = PUT(to, "{\"time\":\"");
    to = put_date(to, writer, record->wall_s);
    to = PUT(to, "\",\"client\":\"");
    to = put_client(to, &record->client);
    to = PUT(to, "\",\"connection\":");
    to = put_number(to, record->connection);
    to = PUT(to, ",\"request\":");
    to = put_number(to, record->number);
    to = put_json_request(to, record);
    to = PUT(to, ",\"status\":");
    to = put_number(to, record->status);
    to = PUT(to, ",\"bytes\":");
    to = put_number(to, record->body);
    to = PUT(to, ",\"time_us\":");
    to = put_number(to, record->took_us);
    to = record->unfinished ? PUT(to, ",\"complete\":false") : PUT(to, ",\"complete\":true");
    to = PUT(to, ",\"referer\":");
    to = put_string(to, record, TEXT_REFERER);
    to = PUT(to, ",\"user_agent\":");
    to = put_string(to, record, TEXT_AGENT);
    *to++ = '}';
    return to;
}

size_t line_write(struct line_writer *writer, const struct record *record, char *to)
{
    char *end = writer->format == LINE_JSON ? put_json(to, writer, record)
                                            : put_combined(to, writer, record);
    *end++ = '\n';
    return (size_t)(end - to);
}
