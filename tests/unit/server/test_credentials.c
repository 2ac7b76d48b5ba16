/* What the parent has read for TLS, on its way to the process that serves. */
#include "server/tls/credentials.h"

#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tls_file file_of(const char *text)
{
    return (struct tls_file){"a file", strdup(text), strlen(text)};
}

/* All that there can be of it: two pairs, one of them stapled, whom clients are known by, and keys
 * of tickets from two files. */
static struct credentials all(void)
{
    return (struct credentials){
        .pairs = {{.chain = file_of("chain 1"), .key = file_of("key 1"), .ocsp = file_of("word 1")},
                  {.chain = file_of("chain 2"), .key = file_of("key 2")}},
        .pair_count = 2,
        .client_ca = file_of("authorities"),
        .ticket_keys = {file_of("tickets 1"), file_of("")},
        .ticket_count = 2,
        .oldest = TLS_1_3,
    };
}

static void expect_file(const struct tls_file *file, const struct tls_file *expected)
{
    assert_int_equal(file->bytes == NULL, expected->bytes == NULL);
    assert_int_equal(file->size, expected->size);
    if (expected->size > 0) {
        assert_memory_equal(file->bytes, expected->bytes, expected->size);
    }
}

static void expect_all(const struct credentials *came, const struct credentials *expected)
{
    assert_int_equal(came->oldest, expected->oldest);
    assert_int_equal(came->pair_count, expected->pair_count);
    assert_int_equal(came->ticket_count, expected->ticket_count);
    for (size_t i = 0; i < CERTIFICATES_MAX; i++) {
        expect_file(&came->pairs[i].chain, &expected->pairs[i].chain);
        expect_file(&came->pairs[i].key, &expected->pairs[i].key);
        expect_file(&came->pairs[i].ocsp, &expected->pairs[i].ocsp);
    }
    for (size_t i = 0; i < TICKET_FILES_MAX; i++) {
        expect_file(&came->ticket_keys[i], &expected->ticket_keys[i]);
    }
    expect_file(&came->client_ca, &expected->client_ca);
}

static void expect_round_trip(struct credentials packed)
{
    struct credentials came;
    int fd = credentials_pack(&packed);
    assert_true(fd >= 0);
    assert_true(credentials_unpack(&came, fd));
    close(fd);
    expect_all(&came, &packed);
    credentials_free(&came);
    credentials_free(&packed);
}

static void what_was_packed_comes_out(void **state)
{
    (void)state;
    expect_round_trip(all());
    expect_round_trip((struct credentials){.oldest = TLS_1_2});
    struct credentials many = {0};
    while (many.pair_count < CERTIFICATES_MAX) {
        struct tls_pair *pair = &many.pairs[many.pair_count++];
        *pair = (struct tls_pair){file_of("chain"), file_of("key"), file_of("word")};
    }
    while (many.ticket_count < TICKET_FILES_MAX) {
        many.ticket_keys[many.ticket_count++] = file_of("keys");
    }
    expect_round_trip(many);
}

/* It is in no file system, and goes with its descriptor. */
static void it_has_no_name(void **state)
{
    (void)state;
    struct credentials packed = all();
    struct stat status;
    int fd = credentials_pack(&packed);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_nlink, 0);
    close(fd);
    credentials_free(&packed);
}

static int memory_with(const char *bytes, size_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes, size), size);
    return fd;
}

/* What ends too early is refused and nothing of it kept, but where a part of it is whole. */
static void what_is_cut_is_no_more_than_its_whole_parts(void **state)
{
    (void)state;
    struct credentials packed = all(), came;
    char bytes[1024];
    int fd = credentials_pack(&packed);
    ssize_t size = pread(fd, bytes, sizeof(bytes), 0);
    close(fd);
    assert_in_range(size, 1, sizeof(bytes) - 1);
    unsigned taken = 0;
    for (ssize_t cut = 0; cut < size; cut++) {
        int part = memory_with(bytes, (size_t)cut);
        if (credentials_unpack(&came, part)) {
            taken++;
        } else {
            assert_int_equal(came.pair_count, 0);
            assert_null(came.pairs[0].chain.bytes);
            assert_null(came.client_ca.bytes);
        }
        credentials_free(&came);
        close(part);
    }
    assert_int_equal(taken, 9); /* before each of nine parts; the tenth is the whole */
    credentials_free(&packed);
}

/* Of which the process that serves could make nothing. */
static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t kind, size;
    } parts[] = {{1, 0}, {2, 0}, {6, 0}, {UINT32_MAX, 0}, {0, 1}, {0, UINT32_MAX}};
    struct credentials came;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int fd = memory_with((const char *)&parts[i], sizeof(parts[i]));
        assert_false(credentials_unpack(&came, fd));
        close(fd);
    }
    assert_false(credentials_unpack(&came, -1));
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(what_was_packed_comes_out));
    suite_add(&suite, CASE(it_has_no_name));
    suite_add(&suite, CASE(what_is_cut_is_no_more_than_its_whole_parts));
    suite_add(&suite, CASE(what_makes_no_sense_is_refused));
    suite_frame(&suite, descriptors_count, descriptors_compare);
    return suite_run(&suite, "server/credentials");
}
