#include "lib/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static void soft_descriptor_limit_rises_to_the_hard_one(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {before.rlim_max < 64 ? before.rlim_max : 64, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);

    assert_true(limits_raise_descriptors() == before.rlim_max);

    struct rlimit after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_true(after.rlim_cur == before.rlim_max);
    assert_true(after.rlim_max == before.rlim_max);
    assert_true(limits_raise_descriptors() == before.rlim_max);
}

/* What ip(7) says of ip_local_port_range. */
static void local_ports_are_those_of_the_range(void **state)
{
    (void)state;
    uint64_t ports = limits_local_ports();
    assert_true(ports > 0 && ports <= 65535);
}

static void open_descriptors_are_counted(void **state)
{
    (void)state;
    uint64_t before = limits_open_descriptors();
    int fd = dup(STDOUT_FILENO);
    assert_true(fd >= 0);
    assert_true(limits_open_descriptors() == before + 1);
    close(fd);
    assert_true(limits_open_descriptors() == before);
    assert_true(before >= 1 && before < limits_descriptors());
    assert_true(limits_machine_descriptors() > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_descriptors_are_counted),
        cmocka_unit_test(local_ports_are_those_of_the_range),
        cmocka_unit_test(soft_descriptor_limit_rises_to_the_hard_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
