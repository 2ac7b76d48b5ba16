#include "lib/net/address.h"

#include "tests/unit/net/descriptors.h"

#include <stdio.h>
#include <string.h>

#define PATH_OF_50 "/2345678901234567890123456789012345678901234567890"

static void written_as_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *written;
        int family;
        unsigned port;
        bool loopback;
    } rows[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", AF_INET, 8080, true},
        {"127.255.3.4:1", "127.255.3.4:1", AF_INET, 1, true},
        {"128.0.0.1:1", "128.0.0.1:1", AF_INET, 1, false},
        {"192.0.2.7:65535", "192.0.2.7:65535", AF_INET, 65535, false},
        {"0.0.0.0:80", "0.0.0.0:80", AF_INET, 80, false},
        {"*:80", "0.0.0.0:80", AF_INET, 80, false},
        {":80", "0.0.0.0:80", AF_INET, 80, false},
        {"127.0.0.1:0", "127.0.0.1:0", AF_INET, 0, true},
        {"localhost:8080", "127.0.0.1:8080", AF_INET, 8080, true},
        {"LocalHost:8080", "127.0.0.1:8080", AF_INET, 8080, true},
        {"127.0.0.1:00080", "127.0.0.1:80", AF_INET, 80, true},
        {"[::1]:8080", "[::1]:8080", AF_INET6, 8080, true},
        {"[::]:80", "[::]:80", AF_INET6, 80, false},
        {"[2001:DB8::1]:443", "[2001:db8::1]:443", AF_INET6, 443, false},
        {"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", AF_INET6, 1, true},
        {"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]:1", AF_INET6, 1, false},
        {"unix:/run/x", "unix:/run/x", AF_UNIX, 0, true},
        {"unix:x:80", "unix:x:80", AF_UNIX, 0, true},
        {"unix:[", "unix:[", AF_UNIX, 0, true},
        {"unix:" PATH_OF_50 PATH_OF_50 "/234567", "unix:" PATH_OF_50 PATH_OF_50 "/234567", AF_UNIX,
         0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address address;
        char text[ADDRESS_TEXT];
        const char *wrong = address_read(rows[i].text, &address);
        if (wrong != NULL) {
            fail_msg("\"%s\" %s", rows[i].text, wrong);
        }
        assert_ptr_equal(address_write(text, &address), text);
        assert_string_equal(text, rows[i].written);
        assert_int_equal(address.at.any.sa_family, rows[i].family);
        assert_int_equal(address_port(&address), rows[i].port);
        assert_int_equal(address_is_loopback(&address), rows[i].loopback);
        assert_int_equal(address_is_unix(&address), rows[i].family == AF_UNIX);
    }
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *wrong; /* the beginning */
    } rows[] = {
        {"", "has no port"},
        {"8080", "has no port"},
        {"127.0.0.1", "has no port"},
        {"[::1]", "has no port"},
        {"127.0.0.1:", "has a port that is not 0..65535"},
        {"127.0.0.1:65536", "has a port that is not 0..65535"},
        {"127.0.0.1:99999", "has a port that is not 0..65535"},
        {"127.0.0.1:184467", "has a port that is not 0..65535"},
        {"127.0.0.1:-1", "has a port that is not 0..65535"},
        {"127.0.0.1:+1", "has a port that is not 0..65535"},
        {"127.0.0.1: 80", "has a port that is not 0..65535"},
        {"127.0.0.1:80 ", "has a port that is not 0..65535"},
        {"127.0.0.1:http", "has a port that is not 0..65535"},
        {"::1:80", "is not HOST:PORT (an IPv6 address needs brackets"},
        {"http://127.0.0.1:80", "is not HOST:PORT"},
        {"[::1:80", "has a [ without its ]"},
        {"[::1]x:80", "has something between ] and its port"},
        {"[127.0.0.1]:80", "names no host: "},
        {"[]:80", "names no host: "},
        {"[::g]:80", "names no host: "},
        {"no.such.host.invalid:80", "names no host: "},
        {"unix:", "names no path"},
        {"unix:" PATH_OF_50 PATH_OF_50 "/2345678", "has a path of more than 107 bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address address;
        struct address before;
        memset(&address, 0x5a, sizeof address);
        memcpy(&before, &address, sizeof address);
        const char *wrong = address_read(rows[i].text, &address);
        if (wrong == NULL || strncmp(wrong, rows[i].wrong, strlen(rows[i].wrong)) != 0) {
            fail_msg("\"%s\" %s", rows[i].text, wrong == NULL ? "was taken" : wrong);
        }
        assert_memory_equal(&address, &before, sizeof address);
    }
}

static void host_of_any_length_is_refused_or_resolved(void **state)
{
    (void)state;
    char text[600];
    for (size_t length = 250; length < 590; length++) {
        struct address address;
        memset(text, 'a', length);
        strcpy(text + length, ":80");
        assert_non_null(address_read(text, &address));
    }
}

static void port_can_be_set(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:1", "[::1]:1", "unix:/x"};
    static const unsigned ports[] = {65535, 65535, 0};
    for (size_t i = 0; i < 3; i++) {
        struct address address;
        assert_null(address_read(texts[i], &address));
        address_set_port(&address, 65535);
        assert_int_equal(address_port(&address), ports[i]);
    }
}

/* The kernel may give a name that fills sun_path to its last byte, or none at all. */
static void unix_name_from_the_kernel_is_written_within_its_size(void **state)
{
    (void)state;
    char text[ADDRESS_TEXT];
    struct address full = {.size = sizeof full.at.local};
    full.at.local.sun_family = AF_UNIX;
    memset(full.at.local.sun_path, 'p', sizeof full.at.local.sun_path);
    address_write(text, &full);
    assert_int_equal(strlen(text), 5 + sizeof full.at.local.sun_path);
    struct address unnamed = {.size = sizeof(sa_family_t)};
    unnamed.at.local.sun_family = AF_UNIX;
    assert_string_equal(address_write(text, &unnamed), "unix:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        leak_free_test(written_as_read),
        leak_free_test(what_is_wrong_is_said),
        leak_free_test(host_of_any_length_is_refused_or_resolved),
        leak_free_test(port_can_be_set),
        leak_free_test(unix_name_from_the_kernel_is_written_within_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
