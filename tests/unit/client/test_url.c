#include "client/url.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard;

struct good_row {
    const char *name;
    const char *text;
    bool tls;
    const char *host;
    const char *authority;
    unsigned port;
    const char *path;
};

static const struct good_row good_rows[] = {
    {"port_80_when_none_is_given", "http://a.example/x", false, "a.example", "a.example", 80, "/x"},
    {"https_is_443", "https://a.example/", true, "a.example", "a.example", 443, "/"},
    {"scheme_without_regard_to_case", "HtTp://a/", false, "a", "a", 80, "/"},
    {"port_is_read", "http://127.0.0.1:8081/17", false, "127.0.0.1", "127.0.0.1:8081", 8081, "/17"},
    {"empty_port_is_the_default", "http://a:/x", false, "a", "a:", 80, "/x"},
    {"no_path", "http://a:1", false, "a", "a:1", 1, ""},
    {"query_without_path", "http://a?b=c", false, "a", "a", 80, "?b=c"},
    {"query_belongs_to_the_path", "http://a/x?b=c?d", false, "a", "a", 80, "/x?b=c?d"},
    {"fragment_is_dropped", "http://a/x?y#z", false, "a", "a", 80, "/x?y"},
    {"fragment_right_after_the_host", "http://a#z", false, "a", "a", 80, ""},
    {"v6_loses_its_brackets", "http://[::1]:8080/", false, "::1", "[::1]:8080", 8080, "/"},
    {"v6_without_port", "http://[fe80::1]", false, "fe80::1", "[fe80::1]", 80, ""},
    {"escapes_stay", "http://a/%20%2F", false, "a", "a", 80, "/%20%2F"},
    {"highest_port", "http://a:65535/", false, "a", "a:65535", 65535, "/"},
};

static void is_read(void **state)
{
    const struct good_row *row = *state;
    struct url url;
    char *text = (char *)guard_copy(&guard, (struct bytes){row->text, strlen(row->text) + 1}).at;
    assert_null(url_read(text, &url));
    assert_int_equal(url.tls, row->tls);
    assert_bytes(url.host, bytes_of(row->host));
    assert_bytes(url.authority, bytes_of(row->authority));
    assert_int_equal(url.port, row->port);
    assert_bytes(url.path, bytes_of(row->path));
}

struct bad_row {
    const char *name;
    const char *text;
};

static const struct bad_row bad_rows[] = {
    {"empty", ""},
    {"no_scheme", "127.0.0.1:8080/x"},
    {"other_scheme", "ftp://a/"},
    {"half_a_scheme", "http:/a"},
    {"no_host", "http:///x"},
    {"no_host_but_a_port", "http://:80/"},
    {"port_zero", "http://a:0/"},
    {"port_too_high", "http://a:65536/"},
    {"port_not_a_number", "http://a:8x/"},
    {"negative_port", "http://a:-1/"},
    {"user", "http://me@a/"},
    {"user_and_password", "http://me:pw@a/"},
    {"blank_in_path", "http://a/b c"},
    {"line_end_in_path", "http://a/b\r\nX: y"},
    {"delete_in_path", "http://a/\x7f"},
    {"bytes_beyond_ascii", "http://a/\xc3\xa9"},
    {"blank_in_host", "http://a b/"},
    {"bracket_not_closed", "http://[::1/"},
    {"something_behind_the_bracket", "http://[::1]8080/"},
    {"empty_brackets", "http://[]/"},
    {"v6_without_brackets", "http://::1/"},
};

static void is_refused(void **state)
{
    const struct bad_row *row = *state;
    struct url url;
    char *text = (char *)guard_copy(&guard, (struct bytes){row->text, strlen(row->text) + 1}).at;
    const char *why = url_read(text, &url);
    assert_non_null(why);
    assert_true(strlen(why) > 0);
}

int main(void)
{
    static struct suite suite;
    guard_init(&guard, 4096);
    suite_add_rows(&suite, is_read, ROWS(good_rows));
    suite_add_rows(&suite, is_refused, ROWS(bad_rows));
    return suite_run(&suite, "client/url");
}
