#include "tests/unit/tls/ends.h"

#include "lib/tls/contexts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_server *new_server(const struct tls_server_plan *plan)
{
    char wrong[TLS_WRONG];
    struct tls_server *server = tls_server_create(plan, wrong);
    assert_string_equal(wrong, "");
    assert_non_null(server);
    return server;
}

struct tls_client *new_client(const struct tls_client_plan *plan)
{
    char wrong[TLS_WRONG];
    struct tls_client *client = tls_client_create(plan, wrong);
    assert_string_equal(wrong, "");
    assert_non_null(client);
    return client;
}

struct tls_client *new_older_client(const struct tls_client_plan *plan)
{
    struct tls_client *client = new_client(plan);
    SSL_CTX_set_max_proto_version(client->context, TLS1_2_VERSION);
    return client;
}

void world_create(struct world *world)
{
    char wrong[TLS_WRONG];
    assert_true(tls_init(wrong));
    world->authority = authority_create("Test authority");
    world->ca = authority_file(world->authority);
    world->pair = authority_issue(
        world->authority,
        &(struct wish){.name = "server.test",
                       .alt_names = "DNS:server.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1"});
    world->server = new_server(&(struct tls_server_plan){.pairs = &world->pair, .pair_count = 1});
    world->client = new_client(&(struct tls_client_plan){.ca = world->ca});
    world->older = new_older_client(&(struct tls_client_plan){.ca = world->ca});
}

void world_destroy(struct world *world)
{
    tls_client_destroy(world->older);
    tls_client_destroy(world->client);
    tls_server_destroy(world->server);
    authority_free_pair(&world->pair);
    tls_file_free(&world->ca);
    authority_destroy(world->authority);
}

void ends_open(struct ends *ends, struct tls_server *server, struct tls_client *client,
               const char *host, struct tls_recall *recall)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    stream_init(&ends->server, fds[0], false);
    stream_init(&ends->client, fds[1], false);
    if (server != NULL) {
        assert_int_equal(tls_accept(&ends->server, server), 0);
    }
    if (client != NULL) {
        assert_int_equal(tls_connect(&ends->client, client, host, recall), 0);
    }
}

void ends_close(struct ends *ends)
{
    stream_finish(&ends->server);
    stream_finish(&ends->client);
    close(ends->server.fd);
    close(ends->client.fd);
}

struct outcomes ends_shake(struct ends *ends)
{
    struct outcomes came = {STREAM_WANT_READ, STREAM_WANT_READ};
    for (int turns = 0; turns < 100; turns++) {
        if (stream_is_again(came.client)) {
            came.client = tls_handshake(&ends->client);
        }
        if (stream_is_again(came.server)) {
            came.server = tls_handshake(&ends->server);
        }
    }
    return came;
}

void ends_meet(struct ends *ends)
{
    struct outcomes came = ends_shake(ends);
    assert_string_equal(tls_reason(&ends->client), "");
    assert_string_equal(tls_reason(&ends->server), "");
    assert_int_equal(came.client, 0);
    assert_int_equal(came.server, 0);
}

void send_text(struct stream *from, const char *text)
{
    struct iovec piece = {(void *)text, strlen(text)};
    assert_int_equal(stream_send(from, &piece, 1, false), strlen(text));
}

void expect_text(struct stream *at, const char *text)
{
    char got[256];
    ssize_t size = stream_receive(at, got, sizeof(got));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

SSL *stranger(const struct ends *ends, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl, ends->client.fd);
    SSL_set_connect_state(ssl);
    return ssl;
}

struct outcomes stranger_shake(struct ends *ends, SSL *ssl)
{
    struct outcomes came = {STREAM_WANT_READ, SSL_ERROR_WANT_READ};
    for (int turns = 0; turns < 100; turns++) {
        if (came.client == SSL_ERROR_WANT_READ) {
            came.client = SSL_get_error(ssl, SSL_do_handshake(ssl));
        }
        if (stream_is_again(came.server)) {
            came.server = tls_handshake(&ends->server);
        }
    }
    return came;
}

void pattern_fill(unsigned char *to, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        to[at] = (unsigned char)(at % 251);
    }
}

int pattern_file(size_t size)
{
    int file = memfd_create("pattern", MFD_CLOEXEC);
    assert_int_equal(ftruncate(file, (off_t)size), 0);
    unsigned char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(map != MAP_FAILED);
    pattern_fill(map, size);
    munmap(map, size);
    return file;
}

void pattern_check(const unsigned char *bytes, size_t size, size_t offset)
{
    for (size_t at = 0; at < size; at++) {
        if (bytes[at] != (offset + at) % 251) {
            fail_msg("byte %zu is another", offset + at);
        }
    }
}
