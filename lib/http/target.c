#include "lib/http/target.h"

#include "lib/http/host.h"
#include "lib/http/scan.h"

/* Cuts "http://authority" or "https://authority" off an absolute-form; what is left begins with
 * '/', '?', or is empty. An authority with userinfo is none that a request may carry (RFC 9110
 * 4.2.4), nor is one without a host (4.2.1). */
static bool take_authority(struct bytes *target)
{
    static const struct bytes schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < 2; i++) {
        size_t len = schemes[i].len;
        if (target->len < len || !bytes_equal_nocase((struct bytes){target->at, len}, schemes[i])) {
            continue;
        }
        const char *from = target->at + len;
        const char *end = target->at + target->len;
        const char *at = from;
        while (at < end && *at != '/' && *at != '?' && *at != '#') {
            at++;
        }
        *target = (struct bytes){at, (size_t)(end - at)};
        return at > from && *from != ':' &&
               host_is_valid((struct bytes){from, (size_t)(at - from)});
    }
    return false;
}

/* Splits at the first '?'; false if a byte is in it that no target may hold. */
static bool split_query(struct bytes target, struct bytes *path, struct bytes *query)
{
    const char *end = target.at + target.len;
    const char *mark = memchr(target.at, '?', target.len);

    if (scan_class(target.at, end, BYTE_TARGET) != end) {
        return false;
    }
    *path = (struct bytes){target.at, mark ? (size_t)(mark - target.at) : target.len};
    *query = mark ? (struct bytes){mark + 1, (size_t)(end - mark - 1)} : (struct bytes){end, 0};
    return true;
}

/* Decodes the segment at *at to `to`, up to '/' or the end; its length, or -1 if it is malformed.
 */
static ptrdiff_t decode_segment(const char **at, const char *end, char *to)
{
    const char *from = *at;
    char *out = to;

    while (from < end && *from != '/') {
        if (*from != '%') {
            *out++ = *from++;
            continue;
        }
        if (end - from < 3 || !byte_is(from[1], BYTE_HEXDIGIT) ||
            !byte_is(from[2], BYTE_HEXDIGIT)) {
            return -1;
        }
        unsigned byte = hex_value(from[1]) << 4 | hex_value(from[2]);
        if (byte == '\0' || byte == '/') {
            return -1;
        }
        *out++ = (char)byte;
        from += 3;
    }
    *at = from;
    return out - to;
}

/* The length of `room` without its last segment: "a/b/" becomes "a/", and "" stays. */
static size_t climb(const char *room, size_t len)
{
    if (len > 0) {
        len--;
    }
    while (len > 0 && room[len - 1] != '/') {
        len--;
    }
    return len;
}

/* Builds the path in `room`, which is always "" or ends in '/' when a segment begins. */
static bool build_path(struct bytes text, char *room, struct bytes *path)
{
    const char *at = text.at;
    const char *end = at + text.len;
    size_t len = 0;

    while (at < end) {
        at++; /* the slash before the segment */
        char *segment = room + len;
        ptrdiff_t size = decode_segment(&at, end, segment);
        if (size < 0) {
            return false;
        }
        if (size == 0 || (size == 1 && segment[0] == '.')) {
            continue;
        }
        if (size == 2 && segment[0] == '.' && segment[1] == '.') {
            len = climb(room, len);
            continue;
        }
        len += (size_t)size;
        if (at < end) {
            room[len++] = '/';
        }
    }
    room[len] = '\0';
    *path = (struct bytes){room, len};
    return true;
}

enum target_outcome target_read(enum method method, struct bytes target, char *room,
                                struct bytes *path, struct bytes *query)
{
    struct bytes encoded;
    struct bytes dropped;
    struct bytes built;

    if (bytes_equal(target, BYTES("*"))) {
        return method == METHOD_OPTIONS ? TARGET_ASTERISK : TARGET_MALFORMED;
    }
    if (target.len == 0 || (*target.at != '/' && !take_authority(&target))) {
        return TARGET_MALFORMED;
    }
    if (!split_query(target, &encoded, &dropped) || !build_path(encoded, room, &built)) {
        return TARGET_MALFORMED;
    }
    *path = built;
    if (query) {
        *query = dropped;
    }
    return TARGET_PATH;
}

size_t target_encode(char *to, size_t room, struct bytes path)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;

    for (size_t i = 0; i < path.len; i++) {
        unsigned char byte = (unsigned char)path.at[i];
        bool plain = byte == '/' || byte_is(path.at[i], BYTE_UNRESERVED);
        size_t size = plain ? 1 : 3;
        if (len + size <= room && plain) {
            to[len] = path.at[i];
        } else if (len + size <= room) {
            to[len] = '%';
            to[len + 1] = digits[byte >> 4];
            to[len + 2] = digits[byte & 15];
        }
        len += size;
    }
    return len;
}
