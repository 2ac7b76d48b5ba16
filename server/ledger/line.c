#include "server/ledger/line.h"

#include "lib/http/date.h"

#include <arpa/inet.h>
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

static char *put_octet(char *to, uint8_t octet)
{
    if (octet >= 100) {
        *to++ = (char)('0' + octet / 100);
    }
    if (octet >= 10) {
        *to++ = (char)('0' + octet / 10 % 10);
    }
    *to++ = (char)('0' + octet % 10);
    return to;
}

/* --- texts that strangers wrote --------------------------------------------------------------- */

/* Bytes side by side. */
typedef int8_t lanes8 __attribute__((vector_size(8)));
typedef int8_t lanes16 __attribute__((vector_size(16)));

/* Those that have to be escaped: a lane of ones for each. Above 0x7e a byte is negative, or DEL. */
#define ODD(lanes) (((lanes) < ' ') | ((lanes) == '"') | ((lanes) == '\\') | ((lanes) == 0x7f))

static bool is_plain_byte(unsigned char byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

static bool is_plain_8(const char *at)
{
    lanes8 lanes, odd;
    uint64_t word;
    memcpy(&lanes, at, sizeof(lanes));
    odd = ODD(lanes);
    memcpy(&word, &odd, sizeof(word));
    return word == 0;
}

static bool is_plain_16(const char *at)
{
    lanes16 lanes, odd;
    uint64_t words[2];
    memcpy(&lanes, at, sizeof(lanes));
    odd = ODD(lanes);
    memcpy(words, &odd, sizeof(words));
    return (words[0] | words[1]) == 0;
}

/* Whether nothing in a text has to be escaped: by what is left in the end together with what is
 * before it, so that the last look is a whole one too. A short one is looked at among blanks. */
static bool is_plain(struct bytes text)
{
    const char *end = text.at + text.len;
    if (text.len < 8) {
        char among[8];
        memset(among, ' ', sizeof(among));
        bytes_copy(among, text);
        return is_plain_8(among);
    }
    if (text.len < 16) {
        return is_plain_8(text.at) && is_plain_8(end - 8);
    }
    for (const char *at = text.at; end - at > 16; at += 16) {
        if (!is_plain_16(at)) {
            return false;
        }
    }
    return is_plain_16(end - 16);
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

static char *put_escaped(char *to, struct bytes text, enum line_format format)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (is_plain_byte(byte)) {
            *to++ = (char)byte;
        } else {
            to = put_odd(to, byte, format);
        }
    }
    return to;
}

static inline char *put_text(char *to, const struct record *record, enum record_text which,
                             enum line_format format)
{
    struct bytes text = record_text(record, which);
    to = is_plain(text) ? bytes_copy(to, text) : put_escaped(to, text, format);
    return record->cut >> which & 1 ? PUT(to, "...") : to;
}

/* --- who and when ----------------------------------------------------------------------------- */

static char *write_client(char *to, const struct client *client)
{
    switch ((enum client_kind)client->kind) {
    case CLIENT_V4:
        for (int i = 0; i < 4; i++) {
            to = put_octet(to, client->at[i]);
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

/* Who came last comes again, more often than not. */
static char *put_client(char *to, struct line_writer *writer, const struct client *client)
{
    if (writer->client_len == 0 || memcmp(&writer->client, client, sizeof(*client)) != 0) {
        writer->client = *client;
        writer->client_len = (size_t)(write_client(writer->host, client) - writer->host);
    }
    return bytes_copy(to, (struct bytes){writer->host, writer->client_len});
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

/* Three digits, as every status has. */
static char *put_status(char *to, unsigned status)
{
    to[0] = (char)('0' + status / 100);
    to[1] = (char)('0' + status / 10 % 10);
    to[2] = (char)('0' + status % 10);
    return to + 3;
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
    to = put_client(to, writer, &record->client);
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
    to = put_status(to, record->status);
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
    to = put_client(to, writer, &record->client);
    to = PUT(to, "\",\"connection\":");
    to = put_number(to, record->connection);
    to = PUT(to, ",\"request\":");
    to = put_number(to, record->number);
    to = put_json_request(to, record);
    to = PUT(to, ",\"status\":");
    to = put_status(to, record->status);
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
