#include "lib/http/coding.h"

#include "lib/http/request.h"
#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdio.h>

static struct guard guard;

enum {
    GZIP = 1 << CODING_GZIP,
    BR = 1 << CODING_BROTLI,
    ZSTD = 1 << CODING_ZSTD,
    ALL = GZIP | BR | ZSTD,
    REFUSED = CODING_COUNT,
};

struct row {
    const char *name;
    const char *fields; /* whole lines */
    unsigned stored;
    unsigned chosen; /* an enum coding, or REFUSED */
};

#define ACCEPT(value) "Accept-Encoding: " value "\r\n"

/* RFC 9110 12.5.3 */
static const struct row rows[] = {
    {"no_field_is_no_coding", "", ALL, CODING_NONE},
    {"empty_field_is_no_coding", "Accept-Encoding:\r\n", ALL, CODING_NONE},
    {"commas_alone_are_no_coding", ACCEPT(", ,"), ALL, CODING_NONE},
    {"gzip", ACCEPT("gzip"), ALL, CODING_GZIP},
    {"br", ACCEPT("br"), ALL, CODING_BROTLI},
    {"zstd", ACCEPT("zstd"), ALL, CODING_ZSTD},
    {"x_gzip_is_gzip", ACCEPT("x-gzip"), ALL, CODING_GZIP},
    {"names_have_no_case", ACCEPT("GZip"), ALL, CODING_GZIP},
    {"longer_name_is_another", ACCEPT("gzipped"), ALL, CODING_NONE},
    {"shorter_name_is_another", ACCEPT("gzi"), ALL, CODING_NONE},
    {"unknown_coding", ACCEPT("deflate, compress, exi"), ALL, CODING_NONE},
    {"what_is_not_stored_is_not_chosen", ACCEPT("gzip, br, zstd"), 0, CODING_NONE},
    {"browser_gets_the_best_packed", ACCEPT("gzip, deflate, br, zstd"), ALL, CODING_BROTLI},
    {"browser_without_br", ACCEPT("gzip, deflate, br, zstd"), GZIP | ZSTD, CODING_ZSTD},
    {"browser_with_gzip_alone", ACCEPT("gzip, deflate, br, zstd"), GZIP, CODING_GZIP},
    {"order_of_the_list_says_nothing", ACCEPT("gzip, br"), ALL, CODING_BROTLI},
    /* weights, 12.4.2 */
    {"greater_weight_wins", ACCEPT("gzip;q=1.0, br;q=0.9"), ALL, CODING_GZIP},
    {"greater_weight_by_a_thousandth", ACCEPT("gzip;q=0.502, br;q=0.501"), ALL, CODING_GZIP},
    {"no_weight_is_one", ACCEPT("gzip, br;q=0.999"), ALL, CODING_GZIP},
    {"weight_of_one_in_four_digits", ACCEPT("gzip;q=1.000, br;q=0.9"), ALL, CODING_GZIP},
    {"weight_without_digits", ACCEPT("gzip;q=1., br;q=0."), ALL, CODING_GZIP},
    {"capital_q", ACCEPT("gzip;Q=0.5"), ALL, CODING_GZIP},
    {"space_around_the_semicolon", ACCEPT("gzip \t; \tq=0.5"), ALL, CODING_GZIP},
    {"small_weight_is_before_none_said", ACCEPT("gzip;q=0.001"), ALL, CODING_GZIP},
    {"weight_of_nothing_is_refused", ACCEPT("gzip;q=0"), ALL, CODING_NONE},
    {"weight_of_nothing_in_digits", ACCEPT("gzip;q=0.000"), ALL, CODING_NONE},
    {"one_refused_and_another_not", ACCEPT("br;q=0, gzip"), ALL, CODING_GZIP},
    {"identity_before_gzip", ACCEPT("identity, gzip;q=0.5"), ALL, CODING_NONE},
    {"gzip_before_identity", ACCEPT("gzip, identity;q=0.5"), ALL, CODING_GZIP},
    {"equals_are_packed", ACCEPT("identity, gzip"), ALL, CODING_GZIP},
    /* "*" */
    {"asterisk_is_any", ACCEPT("*"), ALL, CODING_BROTLI},
    {"asterisk_where_nothing_is_stored", ACCEPT("*"), 0, CODING_NONE},
    {"asterisk_is_not_what_is_named", ACCEPT("br;q=0, *"), ALL, CODING_ZSTD},
    {"asterisk_after_gzip", ACCEPT("gzip, *;q=0.5"), ALL, CODING_GZIP},
    {"asterisk_before_gzip", ACCEPT("gzip;q=0.5, *"), BR | GZIP, CODING_BROTLI},
    {"asterisk_is_identity_too", ACCEPT("gzip;q=0.5, *"), GZIP, CODING_NONE},
    {"asterisk_refused_but_gzip", ACCEPT("gzip, *;q=0"), ALL, CODING_GZIP},
    {"asterisk_refused_but_identity", ACCEPT("identity, *;q=0"), ALL, CODING_NONE},
    /* nothing acceptable */
    {"all_refused", ACCEPT("*;q=0"), ALL, REFUSED},
    {"identity_refused_and_nothing_else_said", ACCEPT("identity;q=0"), ALL, REFUSED},
    {"identity_refused_and_gzip", ACCEPT("identity;q=0, gzip"), ALL, CODING_GZIP},
    {"identity_refused_and_gzip_not_stored", ACCEPT("identity;q=0, gzip"), BR, REFUSED},
    {"identity_refused_and_any", ACCEPT("identity;q=0, *"), ALL, CODING_BROTLI},
    {"identity_refused_and_any_where_nothing_is", ACCEPT("identity;q=0, *"), 0, REFUSED},
    {"all_refused_but_what_is_not_stored", ACCEPT("*;q=0, gzip"), 0, REFUSED},
    /* malformed members are not there */
    {"weight_above_one", ACCEPT("gzip;q=1.1"), ALL, CODING_NONE},
    {"weight_of_two", ACCEPT("gzip;q=2"), ALL, CODING_NONE},
    {"weight_of_ten", ACCEPT("gzip;q=10"), ALL, CODING_NONE},
    {"weight_of_four_digits", ACCEPT("gzip;q=0.1234"), ALL, CODING_NONE},
    {"weight_below_nothing", ACCEPT("gzip;q=-1"), ALL, CODING_NONE},
    {"weight_without_a_dot", ACCEPT("gzip;q=05"), ALL, CODING_NONE},
    {"weight_of_letters", ACCEPT("gzip;q=x"), ALL, CODING_NONE},
    {"weight_of_letters_behind", ACCEPT("gzip;q=0.x"), ALL, CODING_NONE},
    {"weight_that_is_empty", ACCEPT("gzip;q="), ALL, CODING_NONE},
    {"weight_with_space_before", ACCEPT("gzip;q =1"), ALL, CODING_NONE},
    {"weight_with_space_behind", ACCEPT("gzip;q= 1"), ALL, CODING_NONE},
    {"weight_in_quotes", ACCEPT("gzip;q=\"1\""), ALL, CODING_NONE},
    {"semicolon_alone", ACCEPT("gzip;"), ALL, CODING_NONE},
    {"another_parameter", ACCEPT("gzip;level=9"), ALL, CODING_NONE},
    {"weight_and_another_parameter", ACCEPT("gzip;q=1;x=y"), ALL, CODING_NONE},
    {"two_names", ACCEPT("gzip br"), ALL, CODING_NONE},
    {"weight_alone", ACCEPT(";q=1"), ALL, CODING_NONE},
    {"malformed_refusal_refuses_nothing", ACCEPT("identity;q=0.0000"), ALL, CODING_NONE},
    {"malformed_member_spoils_no_other", ACCEPT("br;q=x, gzip"), ALL, CODING_GZIP},
    {"malformed_member_does_not_count_as_first", ACCEPT("gzip;q=x, gzip;q=0.5"), ALL, CODING_GZIP},
    /* twice */
    {"first_of_two_counts", ACCEPT("gzip;q=0, gzip"), ALL, CODING_NONE},
    {"first_of_two_counts_by_another_name", ACCEPT("x-gzip;q=0, gzip"), ALL, CODING_NONE},
    {"second_line_goes_on", ACCEPT("deflate") ACCEPT("gzip"), ALL, CODING_GZIP},
    {"second_line_refuses", ACCEPT("gzip") "X: y\r\n" ACCEPT("identity;q=0"), BR, REFUSED},
};

static bool choose(const char *fields, unsigned stored, enum coding *coding)
{
    const struct request_limits limits = {.head = 500, .target = 100, .fields = 20};
    static struct request request;
    const char *why;
    char room[500];
    int len = snprintf(room, sizeof(room), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    struct bytes text = guard_copy(&guard, (struct bytes){room, (size_t)len});

    assert_int_equal(request_read(text, &limits, &request, &why), REQUEST_COMPLETE);
    if (fields_have(&request.fields, FIELD_ACCEPT_ENCODING) &&
        !fields_repeat(&request.fields, FIELD_ACCEPT_ENCODING)) { /* its value ends at the guard */
        struct bytes value = request.fields.value[FIELD_ACCEPT_ENCODING];
        memcpy(room, value.at, value.len);
        request.fields.value[FIELD_ACCEPT_ENCODING] =
            guard_copy(&guard, (struct bytes){room, value.len});
    }
    return coding_choose(&request.fields, stored, coding);
}

static void check(void **state)
{
    const struct row *row = *state;
    enum coding coding = CODING_COUNT;

    assert_int_equal(choose(row->fields, row->stored, &coding), row->chosen != REFUSED);
    assert_int_equal(coding, row->chosen);
}

/* Every cut of every value is read without looking beyond it, and chooses what is stored. */
static void check_prefixes(void **state)
{
    const struct row *row = *state;
    const char *end = strstr(row->fields, "\r\n");

    for (size_t len = 0; end != NULL && len < (size_t)(end - row->fields); len++) {
        char text[200];
        enum coding coding = CODING_NONE;
        snprintf(text, sizeof(text), "Accept-Encoding:%.*s\r\n", (int)len,
                 row->fields + strlen("Accept-Encoding:"));
        if (choose(text, row->stored, &coding)) {
            assert_true(coding == CODING_NONE || row->stored >> coding & 1);
        }
        if (len + strlen("Accept-Encoding:") >= (size_t)(end - row->fields)) {
            break;
        }
    }
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 500);
    suite_add_rows(&suite, check, ROWS(rows));
    suite_add_rows(&suite, check_prefixes, ROWS(rows));
    int failed = suite_run(&suite, "http/coding");
    guard_finish(&guard);
    return failed;
}
