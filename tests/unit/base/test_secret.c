#include "lib/base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

/* Vector 8 of the authors: the key is the bytes 0 to 15, the message the bytes 0 to 7. */
static void number_is_siphash_2_4(void **state)
{
    const struct secret secret = {{UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    (void)state;
    assert_true(secret_at(&secret, UINT64_C(0x0706050403020100)) == UINT64_C(0x93f5f5799a932462));
}

static void each_part_of_the_key_counts(void **state)
{
    const struct secret zero = {{0, 0}}, low = {{1, 0}}, high = {{0, 1}};
    (void)state;
    assert_true(secret_at(&zero, 0) != secret_at(&low, 0));
    assert_true(secret_at(&zero, 0) != secret_at(&high, 0));
    assert_true(secret_at(&zero, 0) != secret_at(&zero, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_is_siphash_2_4),
        cmocka_unit_test(each_part_of_the_key_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
