#include "client/url.h"

#include "lib/http/host.h"

/* The bytes up to the first one that is in `stops`, or the end of the text. */
static struct bytes take_until(const char *at, const char *stops)
{
    return (struct bytes){at, strcspn(at, stops)};
}

static bool skip(const char **at, const char *prefix)
{
    size_t len = strlen(prefix);
    if (!bytes_equal_nocase((struct bytes){*at, strnlen(*at, len)}, bytes_of(prefix))) {
        return false;
    }
    *at += len;
    return true;
}

static bool is_sendable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

/* host [":" port] */
static const char *read_authority(struct url *url)
{
    const char *at = url->authority.at;
    const char *end = at + url->authority.len;
    bool bracketed = at < end && *at == '[';
    const char *host_end = at;
    while (host_end < end && *host_end != (bracketed ? ']' : ':')) {
        host_end++;
    }
    const char *port = host_end + bracketed;
    if (host_end == at + bracketed || (bracketed && host_end == end)) {
        return "names no host";
    }
    url->host = (struct bytes){at + bracketed, (size_t)(host_end - at) - bracketed};
    url->port = url->tls ? 443 : 80;
    if (port < end && *port == ':' && end - port > 1) {
        unsigned long long number;
        struct bytes digits = {port + 1, (size_t)(end - port) - 1};
        if (!bytes_to_number(digits, &number) || number < 1 || number > 65535) {
            return "has no port in 1..65535 after the colon";
        }
        url->port = (unsigned)number;
    }
    return host_is_valid(url->authority) ? NULL : "names a host that cannot be";
}

const char *url_read(const char *text, struct url *url)
{
    const char *at = text;
    url->tls = skip(&at, "https://");
    if (!url->tls && !skip(&at, "http://")) {
        return "is not an http:// URL";
    }
    url->authority = take_until(at, "/?#");
    at += url->authority.len;
    url->path = take_until(at, "#");
    if (memchr(url->authority.at, '@', url->authority.len) != NULL) {
        return "holds a user name: send it with -H 'Authorization: ...'";
    }
    if (!is_sendable(url->authority) || !is_sendable(url->path)) {
        return "holds a byte that must be percent-encoded";
    }
    return read_authority(url);
}
