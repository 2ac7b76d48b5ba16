#include "lib/http/multipart.h"

#include "tests/support/guard.h"
#include "tests/support/suite.h"

#include <stdio.h>

static struct guard guard;

#define BOUNDARY "0123456789abcdeffedcba9876543210"

static struct multipart make(const struct slice *slices, size_t count, uint64_t size)
{
    struct multipart multipart = {
        .fields = BYTES("Content-Type: x/y\r\n"), .size = size, .slices = slices, .count = count};
    multipart_bound(&multipart, UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210));
    return multipart;
}

/* What a reply says of this content, written into room that ends where nothing is mapped. */
static struct bytes write_whole(const struct multipart *multipart, const char *content)
{
    size_t size = (size_t)multipart_size(multipart);
    struct head head = {guard_room(&guard, size), size, 0};
    for (size_t i = 0; i <= multipart->count; i++) {
        multipart_text(&head, multipart, i);
        if (i < multipart->count) {
            struct slice slice = multipart->slices[i];
            head_text(&head, (struct bytes){content + slice.first, slice.end - slice.first});
        }
    }
    assert_false(head_overflowed(&head));
    return head_bytes(&head);
}

/* The form of RFC 9110 14.6. */
static void parts_stand_between_delimiters(void **state)
{
    static const struct slice slices[] = {{0, 4}, {9, 10}};
    struct multipart multipart = make(slices, 2, 10);
    (void)state;
    struct bytes whole = write_whole(&multipart, "0123456789");
    assert_bytes(whole, BYTES("--" BOUNDARY "\r\n"
                              "Content-Type: x/y\r\n"
                              "Content-Range: bytes 0-3/10\r\n"
                              "\r\n"
                              "0123"
                              "\r\n--" BOUNDARY "\r\n"
                              "Content-Type: x/y\r\n"
                              "Content-Range: bytes 9-9/10\r\n"
                              "\r\n"
                              "9"
                              "\r\n--" BOUNDARY "--\r\n"));
    assert_int_equal(multipart_size(&multipart), whole.len);
}

static void size_is_exact_whatever_the_numbers(void **state)
{
    static const uint64_t firsts[] = {0, 9, 10, 99, 100, 999999, 4294967296u};
    (void)state;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct slice slices[] = {{firsts[i], firsts[i] + 1}, {firsts[i] + 5, firsts[i] + 6}};
        struct multipart multipart = make(slices, 2, firsts[i] + 6);
        struct head head = {NULL, 0, 0};
        for (size_t part = 0; part <= 2; part++) {
            multipart_text(&head, &multipart, part);
        }
        assert_int_equal(multipart_size(&multipart), head.len + 2);
    }
}

static void slices_of_any_size_count_in_full(void **state)
{
    static const struct slice slices[] = {{0, 1}, {5, UINT64_C(9000000000000000000)}};
    struct multipart multipart = make(slices, 2, UINT64_C(9000000000000000000));
    (void)state;
    uint64_t size = multipart_size(&multipart);
    assert_true(size > UINT64_C(9000000000000000000) - 4);
    assert_true(size < UINT64_C(9000000000000000000) + 2 * MULTIPART_TEXT_ROOM + 100);
}

static void the_type_names_the_boundary(void **state)
{
    static const struct slice slices[] = {{0, 1}, {2, 3}};
    struct multipart multipart = make(slices, 2, 3);
    char *room = guard_room(&guard, MULTIPART_TYPE);
    (void)state;
    size_t len = multipart_type(room, &multipart);
    assert_bytes(((struct bytes){room, len}), BYTES("multipart/byteranges; boundary=" BOUNDARY));
}

/* The promise about room, for the longest numbers. */
static void every_text_fits_its_room(void **state)
{
    struct slice slices[] = {{UINT64_MAX - 3, UINT64_MAX - 2}, {UINT64_MAX - 1, UINT64_MAX}};
    struct multipart multipart = make(slices, 2, UINT64_MAX);
    (void)state;
    multipart.fields = (struct bytes){0};
    for (size_t part = 0; part <= 2; part++) {
        struct head head = {guard_room(&guard, MULTIPART_TEXT_ROOM), MULTIPART_TEXT_ROOM, 0};
        multipart_text(&head, &multipart, part);
        assert_false(head_overflowed(&head));
    }
}

/* Too small a room is told, and nothing is written behind it. */
static void too_small_a_room_overflows(void **state)
{
    static const struct slice slices[] = {{0, 1}, {2, 3}};
    struct multipart multipart = make(slices, 2, 3);
    struct head whole = {NULL, 0, 0};
    (void)state;
    multipart_text(&whole, &multipart, 1);
    for (size_t room = 0; room < whole.len; room++) {
        struct head head = {guard_room(&guard, room), room, 0};
        multipart_text(&head, &multipart, 1);
        assert_true(head_overflowed(&head));
        assert_int_equal(head.len, whole.len);
    }
}

int main(void)
{
    struct suite suite = {0};

    guard_init(&guard, 4096);
    suite_add(&suite, CASE(parts_stand_between_delimiters));
    suite_add(&suite, CASE(size_is_exact_whatever_the_numbers));
    suite_add(&suite, CASE(slices_of_any_size_count_in_full));
    suite_add(&suite, CASE(the_type_names_the_boundary));
    suite_add(&suite, CASE(every_text_fits_its_room));
    suite_add(&suite, CASE(too_small_a_room_overflows));
    int failed = suite_run(&suite, "http/multipart");
    guard_finish(&guard);
    return failed;
}
