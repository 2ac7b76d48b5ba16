/* URLs: the parts of one that was read lie in it, can be sent, and make the same one again. */
#include "client/url.h"

#include "tests/fuzz/text.h"

static void check_part(struct bytes part)
{
    PROPERTY(!holds_control(part) && memchr(part.at, ' ', part.len) == NULL);
    PROPERTY(memchr(part.at, '#', part.len) == NULL);
}

static void check_again(const struct url *url)
{
    struct url again;
    char *text = NULL;
    PROPERTY(asprintf(&text, "http%s://%.*s%.*s", url->tls ? "s" : "", (int)url->authority.len,
                      url->authority.at, (int)url->path.len, url->path.at) >= 0);
    PROPERTY(url_read(text, &again) == NULL);
    PROPERTY(again.tls == url->tls && again.port == url->port);
    PROPERTY(bytes_equal(again.host, url->host) && bytes_equal(again.path, url->path));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_copy((struct bytes){(const char *)data, size});
    struct bytes whole = bytes_of(text);
    struct url url;
    if (url_read(text, &url) == NULL) {
        PROPERTY(lies_within(url.authority, whole) && lies_within(url.path, whole));
        PROPERTY(lies_within(url.host, url.authority) && url.host.len > 0);
        PROPERTY(url.port >= 1 && url.port <= 65535);
        PROPERTY(url.path.len == 0 || url.path.at[0] == '/' || url.path.at[0] == '?');
        check_part(url.authority);
        check_part(url.path);
        check_again(&url);
    }
    free(text);
    return 0;
}
