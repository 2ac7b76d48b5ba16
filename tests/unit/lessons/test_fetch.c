#include "lessons/fetch.h"

#include "tests/support/suite.h"

#include <arpa/inet.h>
#include <string.h>

/* --- where a URL leads ------------------------------------------------------------------------ */

struct url {
    const char *name, *url;
    const char *host, *path; /* NULL: it leads nowhere */
    unsigned port;
};

static const struct url urls[] = {
    {"port_path_and_query", "http://127.0.0.1:8080/a/b?c", "127.0.0.1:8080", "/a/b?c", 8080},
    {"no_path", "http://127.0.0.1", "127.0.0.1", "/", 80},
    {"root", "http://127.0.0.1/", "127.0.0.1", "/", 80},
    {"other_scheme", "https://127.0.0.1/", NULL, NULL, 0},
    {"no_scheme", "127.0.0.1/", NULL, NULL, 0},
    {"no_host", "http://", NULL, NULL, 0},
    {"empty_host", "http:///path", NULL, NULL, 0},
    {"blank", "http://127.0.0.1/two words", NULL, NULL, 0},
    {"end_of_line", "http://127.0.0.1/\r\nHost: other", NULL, NULL, 0},
    {"port_in_letters", "http://127.0.0.1:port/", NULL, NULL, 0},
    {"nothing", "", NULL, NULL, 0},
};

static void url_leads_where_it_says(void **state)
{
    const struct url *row = *state;
    struct place place;
    bool found = place_find(&place, row->url);
    assert_int_equal(found, row->host != NULL);
    if (found) {
        assert_string_equal(place.host, row->host);
        assert_string_equal(place.path, row->path);
        assert_int_equal(ntohs(((struct sockaddr_in *)&place.address)->sin_port), row->port);
    }
}

static void url_that_is_too_long_leads_nowhere(void **state)
{
    (void)state;
    struct place place;
    char url[2 * PLACE_TEXT] = "http://127.0.0.1/";
    memset(url + strlen(url), 'a', PLACE_TEXT);
    assert_false(place_find(&place, url));
}

/* --- titles ----------------------------------------------------------------------------------- */

struct title {
    const char *name, *body, *title;
};

static const struct title titles[] = {
    {"title_in_html", "<html><title>Marseilles</title>", "Marseilles"},
    {"case_of_letters", "<TITLE>Marseilles</Title>", "Marseilles"},
    {"empty_title", "<title></title>", ""},
    {"control_characters", "<title>two\nlines\x1b</title>", "two lines "},
    {"never_closed", "<title>never closed", "(no title)"},
    {"closed_before", "</title>Marseilles<title>", "(no title)"},
    {"no_body", "", "(no title)"},
    {"as_long_as_there_is_room", "<title>exactly 15 is.</title>", "exactly 15 is."},
    {"longer_than_there_is_room", "<title>longer than there is room</title>", "longer than the"},
    {"letter_that_would_be_cut", "<title>fourteen bytes\xc3\xa4</title>", "fourteen bytes"},
    {"letter_that_just_fits", "<title>thirteen byte\xc3\xa4 and more</title>",
     "thirteen byte\xc3\xa4"},
};

static void title_is_one_line_that_fits(void **state)
{
    const struct title *row = *state;
    char title[16];
    struct page page = {.body = row->body};
    page_title(&page, title, sizeof(title));
    assert_string_equal(title, row->title);
}

int main(void)
{
    struct suite suite = {0};
    suite_add_rows(&suite, url_leads_where_it_says, ROWS(urls));
    suite_add(&suite, CASE(url_that_is_too_long_leads_nowhere));
    suite_add_rows(&suite, title_is_one_line_that_fits, ROWS(titles));
    return suite_run(&suite, "lessons/fetch");
}
