#include "lib/base/log.h"

#include "tests/unit/base/capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static void line_begins_with_the_program(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    log_warn("%s has %d parts", "it", 3);
    log_program("cristo-test");
    log_error("failed");
    capture_end(&capture, text);
    assert_string_equal(text, "cristo: it has 3 parts\ncristo-test: failed\n");
}

static void debug_is_silent_until_it_is_turned_on(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    log_debug("unseen");
    log_verbose = true;
    log_debug("seen");
    log_verbose = false;
    log_debug("unseen");
    capture_end(&capture, text);
    assert_string_equal(text, "cristo-test: seen\n");
}

static void errno_is_kept(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    close(STDERR_FILENO); /* so that the write fails */
    errno = ENOENT;
    log_warn("lost");
    int after = errno;
    capture_end(&capture, text);
    assert_int_equal(after, ENOENT);
}

static void control_characters_cannot_forge_a_line(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    log_warn("GET /a\ncristo-test: all is well\r\x1b[2J\x7f");
    capture_end(&capture, text);
    assert_string_equal(text, "cristo-test: GET /a?cristo-test: all is well??[2J?\n");
}

static void text_beyond_ascii_is_kept(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    log_warn("Dantès");
    capture_end(&capture, text);
    assert_string_equal(text, "cristo-test: Dantès\n");
}

/* Whatever its length, one message is one line that ends. */
static void long_messages_are_cut_visibly(void **state)
{
    (void)state;
    static const char prefix[] = "cristo-test: ";
    char message[3001];
    for (size_t length = 900; length <= 3000; length++) {
        char text[CAPTURE_TEXT];
        memset(message, 'm', length);
        message[length] = '\0';
        struct capture capture = capture_begin(STDERR_FILENO);
        log_warn("%s", message);
        size_t size = capture_end(&capture, text);

        assert_true(strchr(text, '\n') == text + size - 1);
        assert_memory_equal(text, prefix, sizeof prefix - 1);
        assert_true(size <= 1024);
        if (size < sizeof prefix - 1 + length + 1) {
            assert_memory_equal(text + size - 4, "...\n", 4);
        } else {
            assert_int_equal(size, sizeof prefix - 1 + length + 1);
            assert_memory_equal(text + sizeof prefix - 1, message, length);
        }
    }
}

static void fatal_exits_with_its_status(void **state)
{
    (void)state;
    char text[CAPTURE_TEXT];
    struct capture capture = capture_begin(STDERR_FILENO);
    pid_t child = fork();
    if (child == 0) {
        close(STDOUT_FILENO); /* cmocka's unwritten lines stay with the parent */
        log_fatal(3, "gone");
    }
    int status = 0;
    waitpid(child, &status, 0);
    capture_end(&capture, text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_string_equal(text, "cristo-test: gone\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_begins_with_the_program),
        cmocka_unit_test(debug_is_silent_until_it_is_turned_on),
        cmocka_unit_test(errno_is_kept),
        cmocka_unit_test(control_characters_cannot_forge_a_line),
        cmocka_unit_test(text_beyond_ascii_is_kept),
        cmocka_unit_test(long_messages_are_cut_visibly),
        cmocka_unit_test(fatal_exits_with_its_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
