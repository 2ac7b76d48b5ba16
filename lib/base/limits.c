#include "lib/base/limits.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define PORTS "/proc/sys/net/ipv4/ip_local_"

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

uint64_t limits_descriptors(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : limit.rlim_cur;
}

uint64_t limits_open_descriptors(void)
{
    uint64_t entries = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        entries++;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return entries > 3 ? entries - 3 : 0; /* ".", ".." and the folder itself */
}

/* The numbers at the beginning of a file: how many there are, two at the most. */
static int read_numbers(const char *path, unsigned long long *a, unsigned long long *b)
{
    FILE *file = fopen(path, "re");
    int count = file == NULL ? 0 : fscanf(file, "%llu %llu", a, b);
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

uint64_t limits_machine_descriptors(void)
{
    unsigned long long most, none;
    return read_numbers("/proc/sys/fs/file-max", &most, &none) > 0 ? most : 0;
}

/* How many ports of low..high are kept for others: "80,8080-8090" (ip_local_reserved_ports). */
static uint64_t count_reserved(uint64_t low, uint64_t high)
{
    unsigned long first, last;
    uint64_t count = 0;
    FILE *file = fopen(PORTS "reserved_ports", "re");
    while (file != NULL && fscanf(file, "%lu", &first) == 1) {
        if (fscanf(file, "-%lu", &last) != 1) {
            last = first;
        }
        first = first < low ? low : first;
        last = last > high ? high : last;
        count += last >= first ? last - first + 1 : 0;
        if (fgetc(file) != ',') {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

uint64_t limits_local_ports(void)
{
    unsigned long long low, high;
    if (read_numbers(PORTS "port_range", &low, &high) != 2 || high < low) {
        return 0;
    }
    return high - low + 1 - count_reserved(low, high);
}

unsigned limits_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_CONF);
    return cores > 0 ? (unsigned)cores : 1;
}
