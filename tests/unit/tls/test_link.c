#include "lib/tls/link.h"

#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/tls/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world world;

static void open_met(struct ends *ends)
{
    ends_open(ends, world.server, world.client, "server.test", NULL);
    ends_meet(ends);
}

/* --- handshake -------------------------------------------------------------------------------- */

static void both_ends_agree(void **state)
{
    struct ends ends;
    (void)state;
    open_met(&ends);
    assert_string_equal(tls_protocol(&ends.client), "TLSv1.3");
    assert_string_equal(tls_protocol(&ends.server), "TLSv1.3");
    assert_string_equal(tls_cipher(&ends.client), tls_cipher(&ends.server));
    assert_false(tls_resumed(&ends.client));
    assert_false(tls_resumed(&ends.server));
    send_text(&ends.client, "question");
    expect_text(&ends.server, "question");
    send_text(&ends.server, "answer");
    expect_text(&ends.client, "answer");
    ends_close(&ends);
}

static void name_that_the_certificate_lacks_is_refused(void **state)
{
    struct ends ends;
    (void)state;
    ends_open(&ends, world.server, world.client, "other.test", NULL);
    assert_int_equal(ends_shake(&ends).client, STREAM_BROKEN);
    assert_string_equal(tls_reason(&ends.client),
                        "certificate is for server.test, *.wild.test, 127.0.0.1, ::1, not for "
                        "other.test");
    ends_close(&ends);
}

static void plain_http_is_told_apart(void **state)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n",
                                        "CONNECT a:1 HTTP/1.1\r\n\r\n",
                                        "DELETE / HTTP/1.1\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ends ends;
        ends_open(&ends, world.server, NULL, NULL, NULL);
        send_text(&ends.client, texts[i]);
        assert_int_equal(tls_handshake(&ends.server), TLS_PLAIN_HTTP);
        assert_int_equal(tls_handshake(&ends.server), TLS_PLAIN_HTTP);
        assert_string_equal(tls_reason(&ends.server), "spoke plain HTTP");
        stream_finish(&ends.server);
        send_text(&ends.server, "HTTP/1.1 400 Bad Request\r\n\r\n");
        expect_text(&ends.client, "HTTP/1.1 400 Bad Request\r\n\r\n"); /* and no alert before it */
        ends_close(&ends);
    }
}

int main(void)
{
    struct suite *suite = calloc(1, sizeof(*suite));
    world_create(&world);
    suite_add(suite, CASE(both_ends_agree));
    suite_add(suite, CASE(name_that_the_certificate_lacks_is_refused));
    suite_add(suite, CASE(plain_http_is_told_apart));
    suite_frame(suite, descriptors_count, descriptors_compare);
    int failed = suite_run(suite, "tls/link");
    free(suite);
    world_destroy(&world);
    return failed;
}
