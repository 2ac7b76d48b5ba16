/* Media types by extension. */
#include "server/store/types.h"

#include "tests/support/suite.h"
#include "tests/unit/server/folder.h"

#define X_100                                                                                    \
    "x12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" \
    "0123456789"

static const char table[] = "# a comment\n"
                            "\n"
                            "text/x-story\tstory  tale   # and another\n"
                            "application/x-none\n"
                            "application/json\tjason\n"
                            "text/xml\toldxml\n"
                            "image/x-Upper\tUPPER\r\n"
                            "not-a-type\tbad\n"
                            "text/html\tstory2 html\n"
                            "application/x-mine\thtml\n"
                            "application/" X_100 X_100 X_100 "\tlong\n"
                            "application/x-last\tend";

static struct folder folder;
static struct types *types;

static int begin(void **state)
{
    (void)state;
    folder_init(&folder);
    folder_write(&folder, "mime.types", (struct bytes){table, sizeof(table) - 1});
    types = types_create(folder_path(&folder, "mime.types"));
    assert_non_null(types);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    types_destroy(types);
    folder_finish(&folder);
    return 0;
}

struct type_row {
    const char *name;
    const char *path;
    const char *type;
};

static const struct type_row rows[] = {
    {"from_the_table", "a.story", "text/x-story; charset=utf-8"},
    {"second_extension_of_a_line", "a.tale", "text/x-story; charset=utf-8"},
    {"extension_in_upper_case", "a.STORY", "text/x-story; charset=utf-8"},
    {"extension_in_upper_case_in_the_table", "a.upper", "image/x-Upper"},
    {"line_without_an_end", "a.end", "application/x-last"},
    {"json_has_no_charset", "a.jason", "application/json"},
    {"xml_names_its_own_encoding", "a.xml", "application/xml"},
    {"text_of_xml_does_so_too", "a.oldxml", "text/xml"},
    {"what_is_no_type_counts_for_nothing", "a.bad", "application/octet-stream"},
    {"type_longer_than_any_counts_for_nothing", "a.long", "application/octet-stream"},
    {"comments_count_for_nothing", "a.another", "application/octet-stream"},
    {"our_own_come_first", "a.html", "text/html; charset=utf-8"},
    {"our_own_are_there", "style/a.css", "text/css; charset=utf-8"},
    {"images_have_no_charset", "a.png", "image/png"},
    {"svg_names_its_own_encoding", "a.svg", "image/svg+xml"},
    {"last_extension_counts", "a.story.png", "image/png"},
    {"unknown_extension", "a.unheard-of", "application/octet-stream"},
    {"no_extension", "README", "application/octet-stream"},
    {"empty_extension", "a.", "application/octet-stream"},
    {"dot_in_a_folder_is_no_extension", "a.story/b", "application/octet-stream"},
    {"empty_path", "", "application/octet-stream"},
    {"extension_of_a_hidden_file", ".story", "text/x-story; charset=utf-8"},
    {"very_long_extension", "a.0123456789012345678901234567890123456789",
     "application/octet-stream"},
};

static void type_row(void **state)
{
    const struct type_row *row = *state;
    assert_bytes(types_of(types, bytes_of(row->path)), bytes_of(row->type));
}

static void without_a_table_our_own_suffice(void **state)
{
    (void)state;
    struct types *few = types_create(folder_path(&folder, "none"));
    assert_non_null(few);
    static const char *const known[][2] = {
        {"a.html", "text/html; charset=utf-8"},
        {"a.txt", "text/plain; charset=utf-8"},
        {"a.js", "text/javascript; charset=utf-8"},
        {"a.jpg", "image/jpeg"},
        {"a.woff2", "font/woff2"},
        {"a.gz", "application/gzip"},
        {"a.br", "application/x-brotli"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_bytes(types_of(few, bytes_of(known[i][0])), bytes_of(known[i][1]));
    }
    assert_bytes(types_of(few, BYTES("a.story")), BYTES("application/octet-stream"));
    types_destroy(few);
    types_destroy(NULL);
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, type_row, ROWS(rows));
    suite_add(&suite, CASE(without_a_table_our_own_suffice));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/types");
}
