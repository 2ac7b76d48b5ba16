#include "lib/base/limits.h"

#include <stdio.h>
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

uint64_t limits_local_ports(void)
{
    unsigned long low = 1;
    unsigned long high = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file != NULL) {
        if (fscanf(file, "%lu %lu", &low, &high) != 2) {
            high = 0;
        }
        fclose(file);
    }
    return high >= low ? high - low + 1 : 0;
}

unsigned limits_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_CONF);
    return cores > 0 ? (unsigned)cores : 1;
}
