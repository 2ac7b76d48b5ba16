#include "lib/http/host.h"

#include "lib/http/scan.h"

/* reg-name = *( unreserved / pct-encoded / sub-delims ): where it ends, NULL at a bad escape. */
static const char *skip_name(const char *at, const char *end)
{
    for (;;) {
        at = scan_class(at, end, BYTE_REGNAME);
        if (at == end || *at != '%') {
            return at;
        }
        if (end - at < 3 || !byte_is(at[1], BYTE_HEXDIGIT) || !byte_is(at[2], BYTE_HEXDIGIT)) {
            return NULL;
        }
        at += 3;
    }
}

/* dec-octet: 0 to 255 without a leading zero; where it ends, NULL if it is none. */
static const char *skip_octet(const char *at, const char *end)
{
    const char *from = at;
    unsigned number = 0;

    while (at < end && byte_is(*at, BYTE_DIGIT) && at - from < 3) {
        number = number * 10 + (unsigned)(*at++ - '0');
    }
    bool padded = at - from > 1 && *from == '0';
    return at > from && number <= 255 && !padded ? at : NULL;
}

static bool is_ipv4(const char *at, const char *end)
{
    for (int octets = 0; octets < 4; octets++) {
        if (octets > 0 && (at == end || *at++ != '.')) {
            return false;
        }
        at = skip_octet(at, end);
        if (!at) {
            return false;
        }
    }
    return at == end;
}

/* Eight groups of one to four hexadecimal digits; "::" once, for one group of zeros or more; the
 * last two may be written as an IPv4 address. */
static bool is_ipv6(const char *at, const char *end)
{
    unsigned groups = 0;
    bool gap = end - at >= 2 && at[0] == ':' && at[1] == ':';

    at += gap ? 2 : 0;
    while (at < end) {
        const char *from = at;
        at = scan_class(at, end, BYTE_HEXDIGIT);
        if (at < end && *at == '.') {
            groups += 2;
            if (!is_ipv4(from, end)) {
                return false;
            }
            break;
        }
        if (at == from || at - from > 4) {
            return false;
        }
        groups++;
        if (at == end) {
            break;
        }
        if (*at++ != ':' || at == end) {
            return false;
        }
        if (*at == ':') {
            if (gap) {
                return false;
            }
            gap = true;
            at++;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

/* IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) */
static bool is_future_address(const char *at, const char *end)
{
    if (at == end || (*at != 'v' && *at != 'V')) {
        return false;
    }
    const char *dot = scan_class(at + 1, end, BYTE_HEXDIGIT);
    if (dot == at + 1 || end - dot < 2 || *dot != '.') {
        return false;
    }
    for (at = dot + 1; at < end; at++) {
        if (!byte_is(*at, BYTE_REGNAME) && *at != ':') {
            return false;
        }
    }
    return true;
}

/* IP-literal = "[" ( IPv6address / IPvFuture ) "]": where it ends, NULL if it is none. */
static const char *skip_literal(const char *at, const char *end)
{
    const char *close = memchr(at, ']', (size_t)(end - at));

    if (!close || (!is_ipv6(at + 1, close) && !is_future_address(at + 1, close))) {
        return NULL;
    }
    return close + 1;
}

/* Kept out of line so that the walk below needs no registers saved. */
__attribute__((noinline)) static bool is_host(struct bytes text)
{
    const char *end = text.at + text.len;
    const char *at = *text.at == '[' ? skip_literal(text.at, end) : skip_name(text.at, end);

    if (!at) {
        return false;
    }
    return at == end || (*at == ':' && scan_class(at + 1, end, BYTE_DIGIT) == end);
}

/* Nearly every host is a name or an IPv4 address, with or without a port: those are let through by
 * one walk, and whatever it stops at is looked at again. */
bool host_is_valid(struct bytes text)
{
    if (text.len == 0) {
        return true;
    }
    const char *end = text.at + text.len;
    const char *at = scan_class(text.at, end, BYTE_REGNAME);

    if (at < end && *at == ':') {
        at = scan_class(at + 1, end, BYTE_DIGIT);
    }
    return at == end || is_host(text);
}
