/* What serve.h promises, of whichever model is linked in. */
#include "tests/support/suite.h"
#include "tests/unit/server/running.h"

#include "lib/base/clock.h"

#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum {
    LARGE = 12 << 20 /* more than the sockets of a connection hold */
};

static void a_client_is_served(void **state)
{
    (void)state;
    static struct running running;
    char head[1024];
    running_init(&running);
    running_put(&running, "a.txt", 1000);
    running_start(&running);
    int fd = client_connect(&running);
    for (int i = 0; i < 3; i++) {
        client_send(fd, GET("/a.txt"));
        assert_int_equal(client_head(fd, head, sizeof(head)), 1000);
        client_file(fd, 1000);
    }
    close(fd);
    running_finish(&running);
}

/* A reply that has to wait for its client, then work done by a helper, while the client could be
 * written to: nothing but the helper's return may go on with the conversation. */
static void who_waits_for_a_helper_is_left_alone(void **state)
{
    (void)state;
    static struct running running;
    char head[1024];
    running_init(&running);
    running.site.compute = 33;
    running.options.offload = 1;
    running_put(&running, "large.bin", LARGE);
    running_put(&running, "a.txt", 1000);
    running_start(&running);
    for (int i = 0; i < 3; i++) {
        int fd = client_connect(&running);
        client_send(fd, GET("/large.bin") GET("/a.txt") GET("/a.txt"));
        usleep(20000);
        assert_int_equal(client_head(fd, head, sizeof(head)), LARGE);
        client_file(fd, LARGE);
        for (int j = 0; j < 2; j++) {
            assert_int_equal(client_head(fd, head, sizeof(head)), 1000);
            client_file(fd, 1000);
        }
        close(fd);
    }
    running_finish(&running);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_client_is_served));
    suite_add(&suite, CASE(who_waits_for_a_helper_is_left_alone));
    return suite_run(&suite, "server/serve");
}
