#include "lib/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t digest_of(const void *content, size_t size)
{
    struct digest digest;
    digest_init(&digest);
    digest_add(&digest, content, size);
    return digest_end(&digest);
}

/* Known outputs of the reference XXH64 for seed 0. */
static void digest_is_xxh64(void **state)
{
    static const struct {
        const char *text;
        uint64_t digest;
    } rows[] = {
        {"", UINT64_C(0xef46db3751d8e999)},
        {"a", UINT64_C(0xd24ec4f1a98c6e5b)},
        {"as", UINT64_C(0x1c330fb2d66be179)},
        {"asd", UINT64_C(0x631c37ce72a97393)},
        {"asdf", UINT64_C(0x415872f599cea71e)},
        {"abc", UINT64_C(0x44bc2cf5ad770999)},
        {"Nobody inspects the spammish repetition", UINT64_C(0xfbcea83c8a378bf1)},
        {"Call me Ishmael. Some years ago--never mind how long precisely-",
         UINT64_C(0x02a2e85470d6fd96)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(digest_of(rows[i].text, strlen(rows[i].text)) == rows[i].digest);
    }
}

/* In memory that is not a byte longer, so that sanitizers see a read beyond it. */
static void the_same_comes_of_content_in_pieces(void **state)
{
    (void)state;
    for (size_t size = 1; size < 150; size++) {
        unsigned char *content = malloc(size);
        assert_non_null(content);
        for (size_t i = 0; i < size; i++) {
            content[i] = (unsigned char)(i * 7 + 3);
        }
        uint64_t whole = digest_of(content, size);
        for (size_t piece = 1; piece <= size; piece++) {
            struct digest digest;
            digest_init(&digest);
            for (size_t at = 0; at < size; at += piece) {
                digest_add(&digest, content + at, size - at < piece ? size - at : piece);
                digest_add(&digest, NULL, 0);
            }
            assert_true(digest_end(&digest) == whole);
        }
        free(content);
    }
}

static void every_byte_counts(void **state)
{
    unsigned char content[100] = {0};
    uint64_t before = digest_of(content, sizeof(content));
    (void)state;
    for (size_t i = 0; i < sizeof(content); i++) {
        content[i] = 1;
        assert_true(digest_of(content, sizeof(content)) != before);
        content[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_is_xxh64),
        cmocka_unit_test(the_same_comes_of_content_in_pieces),
        cmocka_unit_test(every_byte_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
