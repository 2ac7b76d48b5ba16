#include "lib/base/limits.h"

#include <sys/resource.h>
#include <unistd.h>

uint64_t limits_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return 0;
    }
    struct rlimit raised = {limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
        limit = raised;
    }
    return limit.rlim_cur;
}

unsigned limits_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_CONF);
    return cores > 0 ? (unsigned)cores : 1;
}
