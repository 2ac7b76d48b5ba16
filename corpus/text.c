#include "corpus/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool tell(char *wrong, const char *what)
{
    snprintf(wrong, TEXT_WRONG, "%s", what);
    return false;
}

/* Reads to the end of the file, which may have changed its size meanwhile. */
static bool read_all(int fd, char *to, size_t room, size_t *length)
{
    size_t sum = 0;
    ssize_t count;
    while (sum < room && (count = read(fd, to + sum, room - sum)) != 0) {
        if (count > 0) {
            sum += (size_t)count;
        } else if (errno != EINTR) {
            return false;
        }
    }
    *length = sum;
    return true;
}

static bool load(int fd, struct bytes *text, char *wrong)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        return tell(wrong, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return tell(wrong, S_ISDIR(status.st_mode) ? "is a folder, not a file" : "is no file");
    }
    if (status.st_size > TEXT_MAX) {
        snprintf(wrong, TEXT_WRONG, "has %lld bytes; the novel has about 2.8 million",
                 (long long)status.st_size);
        return false;
    }
    if (status.st_size == 0) {
        return tell(wrong, "is empty");
    }
    size_t room = (size_t)status.st_size;
    char *at = malloc(room);
    if (at == NULL) {
        return tell(wrong, strerror(errno));
    }
    size_t length;
    if (!read_all(fd, at, room, &length)) {
        free(at);
        return tell(wrong, strerror(errno));
    }
    *text = (struct bytes){at, length};
    return true;
}

bool text_load(const char *path, struct bytes *text, char *wrong)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait for a writer */
    if (fd < 0) {
        return tell(wrong, strerror(errno));
    }
    bool done = load(fd, text, wrong);
    close(fd);
    return done;
}

static bool starts_with(struct bytes text, struct bytes start)
{
    return text.len >= start.len && memcmp(text.at, start.at, start.len) == 0;
}

/* What people give by mistake, by its first bytes. */
static const char *other_kind(struct bytes text)
{
    static const struct {
        struct bytes start;
        const char *kind;
    } kinds[] = {
        {{"%PDF", 4}, "is a PDF file; the plain text (UTF-8) is wanted"},
        {{"PK\x03\x04", 4}, "is a ZIP or EPUB file; the plain text (UTF-8) is wanted"},
        {{"\x1f\x8b", 2}, "is compressed with gzip; unpack it first"},
        {{"\xff\xfe", 2}, "is UTF-16; the UTF-8 text is wanted"},
        {{"\xfe\xff", 2}, "is UTF-16; the UTF-8 text is wanted"},
        {{"<!DOCTYPE", 9}, "is an HTML page; the plain text (UTF-8) is wanted"},
        {{"<!doctype", 9}, "is an HTML page; the plain text (UTF-8) is wanted"},
        {{"<html", 5}, "is an HTML page; the plain text (UTF-8) is wanted"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (starts_with(text, kinds[i].start)) {
            return kinds[i].kind;
        }
    }
    return NULL;
}

/* How many bytes the character at `at` takes (RFC 3629 section 4); 0: it is none; more than `left`:
 * it is cut off. */
static size_t character_size(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, size;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (at[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high) {
            continue;
        }
        for (size_t j = 1; j < forms[i].size && j < left; j++) {
            unsigned char low = j == 1 ? forms[i].second_low : 0x80;
            unsigned char high = j == 1 ? forms[i].second_high : 0xbf;
            if (at[j] < low || at[j] > high) {
                return 0;
            }
        }
        return forms[i].size;
    }
    return 0;
}

static bool is_control(unsigned char c)
{
    return (c < ' ' && strchr("\t\n\f\r", c) == NULL) || c == 0x7f || c == 0;
}

bool text_check(struct bytes text, char *wrong)
{
    const char *other = other_kind(text);
    if (other != NULL) {
        return tell(wrong, other);
    }
    size_t line = 1;
    size_t size;
    for (size_t i = 0; i < text.len; i += size) {
        const unsigned char *at = (const unsigned char *)text.at + i;
        size = character_size(at, text.len - i);
        if (size == 0 || is_control(*at)) {
            snprintf(wrong, TEXT_WRONG, "is not plain UTF-8 text: byte 0x%02x in line %zu", *at,
                     line);
            return false;
        }
        if (size > text.len - i) {
            snprintf(wrong, TEXT_WRONG, "is truncated: it ends within a character (line %zu)",
                     line);
            return false;
        }
        line += *at == '\n';
    }
    return true;
}

struct text_lines text_lines_of(struct bytes text)
{
    const struct bytes mark = BYTES("\xef\xbb\xbf");
    if (starts_with(text, mark)) {
        text = (struct bytes){text.at + mark.len, text.len - mark.len};
    }
    return (struct text_lines){.rest = text};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

bool text_next(struct text_lines *lines, struct text_line *line)
{
    if (lines->rest.len == 0) {
        return false;
    }
    const char *begin = lines->rest.at;
    const char *newline = memchr(begin, '\n', lines->rest.len);
    const char *end = newline != NULL ? newline : begin + lines->rest.len;
    const char *next = newline != NULL ? newline + 1 : end;
    lines->rest = (struct bytes){next, lines->rest.len - (size_t)(next - begin)};
    lines->number++;

    while (end > begin && is_blank(end[-1])) {
        end--;
    }
    const char *words = begin;
    while (words < end && is_blank(*words)) {
        words++;
    }
    *line = (struct text_line){
        .words = {words, (size_t)(end - words)},
        .end = end,
        .begin = begin,
        .number = lines->number,
    };
    return true;
}
