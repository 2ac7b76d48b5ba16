#include "lib/base/bounds.h"

#include "tests/support/suite.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A machine is a folder with the files that one has below / (proc(5), cgroups(7)): those of a
 * machine at rest, and instead of some of them those of a row. */

struct file {
    const char *path;
    const char *text;
};

#define LIMITS(processes, data, address)                                                       \
    "Limit                     Soft Limit           Hard Limit           Units     \n"         \
    "Max data size             " data "            unlimited            bytes     \n"          \
    "Max processes             " processes "                96365                processes \n" \
    "Max open files            20000                20000                files     \n"         \
    "Max address space         " address "            unlimited            bytes     \n"

#define STATUS(uid, able)                                                               \
    "Name:\tload\nUid:\t" uid "\t0\t0\t0\nVmSize:\t    5000 kB\nVmData:\t    2000 kB\n" \
    "Threads:\t40\nCapEff:\t" able "\n"

#define EVERYBODY "         0          0 4294967295\n"

static const struct file at_rest[] = {
    {"/proc/self/limits", LIMITS("unlimited", "unlimited", "unlimited")},
    {"/proc/self/status", STATUS("1000", "0000000000000000")},
    {"/proc/self/maps", "7f00-7f01 r\n7f01-7f02 w\n7f02-7f03 r\n"},
    {"/proc/self/cgroup", "0::/\n"},
    {"/proc/self/uid_map", EVERYBODY},
    {"/proc/loadavg", "0.20 0.18 0.12 1/500 11206\n"},
    {"/proc/meminfo", "MemTotal: 9 kB\nCommitLimit:    40000 kB\nCommitted_AS:   30000 kB\n"},
    {"/proc/sys/kernel/pid_max", "4194304\n"},
    {"/proc/sys/kernel/threads-max", "100000\n"},
    {"/proc/sys/vm/max_map_count", "65530\n"},
    {"/proc/sys/vm/overcommit_memory", "0\n"},
    {"/proc/2/status", "Uid:\t0\t0\t0\t0\nThreads:\t5\n"},
    {"/proc/11200/status", "Uid:\t1000\t0\t0\t0\nThreads:\t40\n"},
    {"/proc/11201/status", "Uid:\t0\t1000\t0\t0\nThreads:\t9\n"},
    {"/proc/11202/status", "Uid:\t1000\t0\t0\t0\nThreads:\t2\n"},
};

struct row {
    const char *name;
    struct file files[6];
    uint64_t more; /* threads, with stacks of 64 KB */
    const char *said;
};

#define NO_LIMIT "no limit that the system tells of; memory may be short"

/* What is said adds up what is used, what more would use, and 64 threads or mappings or 16,384 kB
 * beside. A thread has two mappings, and 68 kB with the page below it. */
static const struct row rows[] = {
    {"a_machine_at_rest_bounds_nothing", {{0}}, 1000, NO_LIMIT},
    {"a_machine_that_tells_nothing_bounds_nothing",
     {{"/proc/sys/kernel/threads-max", ""}, {"/proc/sys/kernel/pid_max", "?"}},
     1000,
     NO_LIMIT},
    {"a_thread_has_two_mappings",
     {{"/proc/sys/vm/max_map_count", "2000\n"}},
     1000,
     "vm.max_map_count is 2000 and must be 2067"},
    {"threads_of_a_user_are_counted_by_the_real_user",
     {{"/proc/self/limits", LIMITS("1041", "unlimited", "unlimited")}},
     1000,
     "ulimit -u is 1041 and must be 1106"},
    {"a_user_s_limit_that_leaves_room_is_none",
     {{"/proc/self/limits", LIMITS("1106", "unlimited", "unlimited")}},
     1000,
     NO_LIMIT},
    {"root_is_above_a_user_s_limit",
     {{"/proc/self/limits", LIMITS("10", "unlimited", "unlimited")},
      {"/proc/self/status", STATUS("0", "0000000000000000")}},
     1000,
     NO_LIMIT},
    {"who_may_raise_limits_is_above_them",
     {{"/proc/self/limits", LIMITS("10", "unlimited", "unlimited")},
      {"/proc/self/status", STATUS("1000", "0000000001000000")}},
     1000,
     NO_LIMIT},
    {"other_powers_do_not_help",
     {{"/proc/self/limits", LIMITS("10", "unlimited", "unlimited")},
      {"/proc/self/status", STATUS("1000", "00000000fedfffff")}},
     1000,
     "ulimit -u is 10 and must be 1106"},
    {"nor_does_root_in_a_user_namespace",
     {{"/proc/self/limits", LIMITS("10", "unlimited", "unlimited")},
      {"/proc/self/status", STATUS("0", "000001ffffffffff")},
      {"/proc/self/uid_map", "         0       1000          1\n"}},
     1000,
     "ulimit -u is 10 and must be 1078"},
    {"numbers_of_processes_run_out",
     {{"/proc/sys/kernel/pid_max", "1000\n"}},
     1000,
     "kernel.pid_max is 1000 and must be 1415"},
    {"low_numbers_are_used_by_those_who_came_first",
     {{"/proc/sys/kernel/pid_max", "1000\n"}, {"/proc/2/status", "Uid:\t0\nThreads:\t400\n"}},
     1000,
     "kernel.pid_max is 1000 and must be 1515"},
    {"all_threads_of_the_machine_count",
     {{"/proc/sys/kernel/threads-max", "600\n"}},
     1000,
     "kernel.threads-max is 600 and must be 1564"},
    {"address_space",
     {{"/proc/self/limits", LIMITS("unlimited", "unlimited", "8388608")}},
     1000,
     "ulimit -v is 8192 and must be 89384"},
    {"data",
     {{"/proc/self/limits", LIMITS("unlimited", "8388608", "unlimited")}},
     1000,
     "ulimit -d is 8192 and must be 82384"},
    {"memory_that_is_promised",
     {{"/proc/sys/vm/overcommit_memory", "2\n"}},
     1000,
     "CommitLimit (vm.overcommit_kbytes) is 40000 and must be 110384"},
    {"a_group_of_version_2",
     {{"/proc/self/cgroup", "0::/user.slice/a\n"},
      {"/sys/fs/cgroup/user.slice/a/pids.max", "500\n"},
      {"/sys/fs/cgroup/user.slice/a/pids.current", "499\n"}},
     1000,
     "/sys/fs/cgroup/user.slice/a/pids.max is 500 and must be 1563"},
    {"a_group_around_it_has_less_room",
     {{"/proc/self/cgroup", "0::/user.slice/a\n"},
      {"/sys/fs/cgroup/user.slice/a/pids.max", "500\n"},
      {"/sys/fs/cgroup/user.slice/a/pids.current", "300\n"},
      {"/sys/fs/cgroup/user.slice/pids.max", "450\n"},
      {"/sys/fs/cgroup/user.slice/pids.current", "400\n"}},
     1000,
     "/sys/fs/cgroup/user.slice/pids.max is 450 and must be 1464"},
    {"a_group_of_version_1",
     {{"/proc/self/cgroup", "9:cpu,cpuacct:/c\n8:pids:/docker/x\n0::/\n"},
      {"/sys/fs/cgroup/pids/docker/x/pids.max", "500\n"},
      {"/sys/fs/cgroup/pids/docker/x/pids.current", "10\n"}},
     1000,
     "/sys/fs/cgroup/pids/docker/x/pids.max is 500 and must be 1074"},
    {"the_group_that_a_container_sees",
     {{"/sys/fs/cgroup/pids.max", "20\n"}, {"/sys/fs/cgroup/pids.current", "4\n"}},
     1000,
     "/sys/fs/cgroup/pids.max is 20 and must be 1068"},
    {"a_group_without_a_limit",
     {{"/sys/fs/cgroup/pids.max", "max\n"}, {"/sys/fs/cgroup/pids.current", "4\n"}},
     1000,
     NO_LIMIT},
    {"the_one_with_the_least_room_is_the_cause",
     {{"/proc/sys/kernel/threads-max", "600\n"},
      {"/proc/sys/kernel/pid_max", "441\n"},
      {"/proc/sys/vm/max_map_count", "300\n"}},
     1000,
     "kernel.pid_max is 441 and must be 1415"},
};

/* Writes a file and the folders that lead to it. */
static void put(const char *root, const struct file *file)
{
    char path[256];
    snprintf(path, sizeof(path), "%s%s", root, file->path);
    for (char *slash = path + strlen(root); (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    fputs(file->text, to);
    fclose(to);
}

static int drop(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void machine_create(char *root, const struct file *files, size_t count)
{
    strcpy(root, "/tmp/cristo-bounds-XXXXXX");
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(at_rest) / sizeof(at_rest[0]); i++) {
        put(root, &at_rest[i]);
    }
    for (size_t i = 0; i < count && files[i].path != NULL; i++) {
        put(root, &files[i]);
    }
}

static void machine_destroy(const char *root)
{
    nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static void is_told(void **state)
{
    const struct row *row = *state;
    char root[64];
    char text[BOUNDS_TEXT];
    struct bounds bounds;
    machine_create(root, row->files, sizeof(row->files) / sizeof(row->files[0]));
    bounds_of_threads(&bounds, 64 * 1024, root);
    machine_destroy(root);
    assert_string_equal(bounds_explain(text, &bounds, row->more), row->said);
}

/* Asked for at once: no thread bounds it. */
static void memory_is_bounded_by_memory_alone(void **state)
{
    static const struct file tight[] = {
        {"/proc/self/limits", LIMITS("1", "unlimited", "10485760")},
        {"/proc/sys/kernel/threads-max", "1\n"},
    };
    (void)state;
    char root[64];
    char text[BOUNDS_TEXT];
    struct bounds bounds;
    machine_create(root, tight, 2);
    bounds_of_memory(&bounds, UINT64_C(30) << 20, root);
    machine_destroy(root);
    assert_int_equal(bounds.count, 1);
    assert_string_equal(bounds_explain(text, &bounds, 1), "ulimit -v is 10240 and must be 52104");
}

/* The system's own files can be read, and this process, which runs, is within them. */
static void this_machine_has_room(void **state)
{
    (void)state;
    struct bounds bounds;
    bounds_of_threads(&bounds, 64 * 1024, "");
    assert_true(bounds.count >= 3);
    for (size_t i = 0; i < bounds.count; i++) {
        assert_true(bounds.at[i].used > 0 && bounds.at[i].used <= bounds.at[i].most);
        assert_true(bound_room(bounds_tightest(&bounds)) <= bound_room(&bounds.at[i]));
    }
}

static void no_bounds_have_no_tightest(void **state)
{
    (void)state;
    struct bounds none = {0};
    assert_null(bounds_tightest(&none));
}

int main(void)
{
    static struct suite suite;
    suite_add_rows(&suite, is_told, ROWS(rows));
    suite_add(&suite, CASE(memory_is_bounded_by_memory_alone));
    suite_add(&suite, CASE(this_machine_has_room));
    suite_add(&suite, CASE(no_bounds_have_no_tightest));
    return suite_run(&suite, "bounds");
}
