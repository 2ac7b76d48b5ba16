/* What a link sends where the system's configuration of OpenSSL has records padded (RFC 8446 5.4):
 * up to the largest size, however little is in them. */
#include "lib/tls/link.h"

#include "tests/unit/tls/versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char configuration[] = "openssl_conf = all\n"
                                    "[all]\n"
                                    "ssl_conf = tls\n"
                                    "[tls]\n"
                                    "system_default = padded\n"
                                    "[padded]\n"
                                    "RecordPadding = 16384\n";

/* Before OpenSSL looks for it. */
static void configure(char path[])
{
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, configuration, sizeof(configuration) - 1) < 0 || close(fd) < 0 ||
        setenv("OPENSSL_CONF", path, 1) != 0) {
        perror(path);
        exit(1);
    }
}

static void records_are_padded(void **state)
{
    struct ends ends;
    size_t size;
    char text[8];
    (void)state;
    open_met(&ends, world.client);
    assert_int_equal(stream_receive(&ends.client, text, 1), STREAM_WANT_READ); /* tickets */
    send_text(&ends.server, "short");
    assert_int_equal(records_at(ends.client.fd, &size, 1), 1);
    assert_in_range(size, 16384, 16384 + 256);
    expect_text(&ends.client, "short");
    ends_close(&ends);
}

static void content_is_whole(void **state)
{
    static unsigned char bytes[BODY];
    int file = pattern_file(BODY);
    (void)state;
    pattern_fill(bytes, BODY);
    for (int way = 0; way < 2; way++) {
        struct ends ends;
        size_t sent = 0, got = 0;
        open_met(&ends, world.client);
        while (sent < BODY) {
            struct iovec rest = {bytes + sent, BODY - sent};
            ssize_t came = way == 0 ? stream_send_file(&ends.server, file, sent, BODY - sent)
                                    : stream_send(&ends.server, &rest, 1, false);
            assert_true(came > 0 || came == STREAM_WANT_WRITE);
            sent += came > 0 ? (size_t)came : 0;
            take_pattern(&ends.client, &got);
        }
        take_pattern(&ends.client, &got);
        assert_int_equal(got, BODY);
        ends_close(&ends);
    }
    close(file);
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    char path[] = "/tmp/cristo-openssl-XXXXXX";
    configure(path);
    world_create(&world);
    suite_add(suite, CASE(records_are_padded));
    suite_add(suite, CASE(content_is_whole));
    int failed = suite_run(suite, "tls/link_padded");
    free(suite);
    world_destroy(&world);
    unlink(path);
    return failed;
}
