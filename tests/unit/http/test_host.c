#include "lib/http/host.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

static struct guard guard;

struct row {
    const char *name;
    struct bytes text;
};

/* Host = uri-host [ ":" port ] (RFC 9110 7.2), uri-host and port as in RFC 3986 3.2.2, 3.2.3 */
static const struct row good_rows[] = {
    {"name", TEXT("example.org")},
    {"name_and_port", TEXT("example.org:8080")},
    {"ipv4", TEXT("127.0.0.1")},
    {"ipv4_and_port", TEXT("127.0.0.1:8081")},
    {"empty_host_is_a_reg_name", TEXT("")},
    {"empty_port", TEXT("example.org:")},
    {"port_without_host", TEXT(":80")},
    {"underscore_and_tilde", TEXT("a_b~c")},
    {"sub_delims", TEXT("!$&'()*+,;=")},
    {"percent_encoded", TEXT("ex%C3%A4mple.org:80")},
    {"percent_encoded_at_the_end", TEXT("a%4F")},
    {"number_that_is_no_ipv4_is_a_name", TEXT("999.1.2.3.4")},
    {"ipv6_unspecified", TEXT("[::]")},
    {"ipv6_loopback", TEXT("[::1]")},
    {"ipv6_loopback_and_port", TEXT("[::1]:80")},
    {"ipv6_empty_port", TEXT("[::1]:")},
    {"ipv6_whole", TEXT("[2001:db8:0:1:aaaa:BBBB:0c:1234]")},
    {"ipv6_gap_at_the_end", TEXT("[2001:db8::]")},
    {"ipv6_gap_within", TEXT("[1:2::7:8]:1")},
    {"ipv6_gap_for_one_group", TEXT("[1:2:3:4:5:6:7::]")},
    {"ipv6_ipv4_tail", TEXT("[::ffff:192.0.2.128]")},
    {"ipv6_six_groups_and_ipv4", TEXT("[1:2:3:4:5:6:255.0.9.10]")},
    {"future_address", TEXT("[v1.fe80:a+b]:80")},
    {"future_address_upper_case", TEXT("[VF.x]")},
};

static const struct row bad_rows[] = {
    {"userinfo", TEXT("user@example.org")},
    {"userinfo_with_password", TEXT("user:pw@example.org")},
    {"space_within", TEXT("exam ple.org")},
    {"tab_within", TEXT("exam\tple.org")},
    {"slash", TEXT("example.org/")},
    {"path", TEXT("example.org/a")},
    {"backslash", TEXT("example.org\\a")},
    {"query", TEXT("example.org?a")},
    {"fragment", TEXT("example.org#a")},
    {"scheme", TEXT("http://example.org")},
    {"letters_in_port", TEXT("example.org:http")},
    {"sign_in_port", TEXT("example.org:+80")},
    {"space_in_port", TEXT("example.org: 80")},
    {"two_ports", TEXT("example.org:80:80")},
    {"obs_text", TEXT("ex\xc3\xa4mple.org")},
    {"nul", TEXT("example\0.org")},
    {"quote", TEXT("\"example.org\"")},
    {"angle_bracket", TEXT("<example.org>")},
    {"percent_without_digits", TEXT("a%")},
    {"percent_with_one_digit", TEXT("a%4")},
    {"percent_with_other_letters", TEXT("a%4g.org")},
    {"ipv6_without_brackets", TEXT("2001:db8::1")},
    {"ipv6_not_closed", TEXT("[::1")},
    {"ipv6_not_opened", TEXT("::1]")},
    {"brackets_empty", TEXT("[]")},
    {"brackets_around_a_name", TEXT("[example.org]")},
    {"brackets_around_ipv4", TEXT("[127.0.0.1]")},
    {"text_behind_bracket", TEXT("[::1]x")},
    {"text_before_bracket", TEXT("x[::1]")},
    {"second_bracket", TEXT("[::1]]")},
    {"ipv6_port_not_a_number", TEXT("[::1]:a")},
    {"ipv6_single_colon", TEXT("[:]")},
    {"ipv6_colon_first", TEXT("[:1::]")},
    {"ipv6_colon_last", TEXT("[1::2:]")},
    {"ipv6_three_colons", TEXT("[:::]")},
    {"ipv6_two_gaps", TEXT("[1::2::3]")},
    {"ipv6_seven_groups", TEXT("[1:2:3:4:5:6:7]")},
    {"ipv6_nine_groups", TEXT("[1:2:3:4:5:6:7:8:9]")},
    {"ipv6_gap_for_nothing", TEXT("[1:2:3:4::5:6:7:8]")},
    {"ipv6_five_digits", TEXT("[::12345]")},
    {"ipv6_letter_g", TEXT("[::g]")},
    {"ipv6_zone", TEXT("[fe80::1%25eth0]")},
    {"ipv6_ipv4_not_last", TEXT("[::1.2.3.4:5]")},
    {"ipv6_ipv4_number_too_large", TEXT("[::1.2.3.256]")},
    {"ipv6_ipv4_leading_zero", TEXT("[::1.2.3.04]")},
    {"ipv6_ipv4_three_numbers", TEXT("[::1.2.3]")},
    {"ipv6_ipv4_five_numbers", TEXT("[::1.2.3.4.5]")},
    {"ipv6_ipv4_empty_number", TEXT("[::1..3.4]")},
    {"ipv6_seven_groups_and_ipv4", TEXT("[1:2:3:4:5:6:7:1.2.3.4]")},
    {"future_without_version", TEXT("[v.x]")},
    {"future_without_address", TEXT("[v1.]")},
    {"future_with_a_version_that_is_no_number", TEXT("[vg.x]")},
    {"future_with_slash_first", TEXT("[v1./]")},
    {"future_without_dot", TEXT("[v1x]")},
    {"future_with_slash", TEXT("[v1.a/b]")},
};

static void check_good(void **state)
{
    const struct row *row = *state;

    assert_true(host_is_valid(guard_copy(&guard, row->text)));
}

static void check_bad(void **state)
{
    const struct row *row = *state;

    assert_false(host_is_valid(guard_copy(&guard, row->text)));
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 100);
    suite_add_rows(&suite, check_good, ROWS(good_rows));
    suite_add_rows(&suite, check_bad, ROWS(bad_rows));
    int failed = suite_run(&suite, "http/host");
    guard_finish(&guard);
    return failed;
}
