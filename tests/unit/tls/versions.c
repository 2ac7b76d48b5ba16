#include "tests/unit/tls/versions.h"

#include <stdio.h>
#include <sys/socket.h>

struct world world;

void add_both(struct suite *suite, const char *fact, CMUnitTestFunction check)
{
    static struct version versions[80];
    static char names[80][100];
    static size_t count;
    for (int older = 0; older < 2; older++) {
        struct version *version = &versions[count];
        assert_true(count < 80);
        snprintf(names[count], sizeof(names[0]), "%s_tls_1_%c", fact, older ? '2' : '3');
        *version = (struct version){names[count++], older};
        suite_add_rows(suite, check, version, 1, sizeof(*version));
    }
}

struct tls_client *client_for(void **state)
{
    const struct version *version = *state;
    return version->older ? world.older : world.client;
}

void open_met(struct ends *ends, struct tls_client *client)
{
    ends_open(ends, world.server, client, "server.test", NULL);
    ends_meet(ends);
}

void take_pattern(struct stream *stream, size_t *at)
{
    static unsigned char bytes[BODY];
    for (;;) {
        ssize_t got = stream_receive(stream, bytes, sizeof(bytes));
        if (got == STREAM_WANT_READ) {
            return;
        }
        assert_true(got > 0);
        pattern_check(bytes, (size_t)got, *at);
        *at += (size_t)got;
    }
}

int records_at(int fd, size_t *sizes, int most)
{
    static unsigned char bytes[1 << 20];
    ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_PEEK);
    int count = 0;
    for (ssize_t at = 0; at + 5 <= size && count < most; count++) {
        sizes[count] = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        at += 5 + (ssize_t)sizes[count];
    }
    return count;
}
