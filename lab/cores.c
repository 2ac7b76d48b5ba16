#include "lab/cores.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    long package;
    long core;
    unsigned number;
};

static long topology(unsigned number, const char *name);
static int by_place(const void *a, const void *b);

int cores_allowed(struct cores *cores)
{
    cpu_set_t set;
    struct place places[CORES_MAX];

    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return -errno;
    }
    cores->count = 0;
    for (unsigned i = 0; i < CORES_MAX; i++) {
        if (CPU_ISSET(i, &set)) {
            places[cores->count++] = (struct place){
                .package = topology(i, "physical_package_id"),
                .core = topology(i, "core_id"),
                .number = i,
            };
        }
    }
    qsort(places, cores->count, sizeof *places, by_place);
    for (size_t i = 0; i < cores->count; i++) {
        cores->number[i] = places[i].number;
    }
    return 0;
}

void cores_split(const struct cores *all, struct cores *server, struct cores *client)
{
    size_t half = all->count < 2 ? all->count : all->count / 2;
    size_t from = all->count < 2 ? 0 : half;

    server->count = half;
    memcpy(server->number, all->number, half * sizeof *server->number);
    client->count = all->count - from;
    memcpy(client->number, all->number + from, client->count * sizeof *client->number);
}

char *cores_write(char *to, const struct cores *cores)
{
    size_t len = 0;
    to[0] = '\0';
    for (size_t i = 0; i < cores->count;) {
        size_t last = i;
        while (last + 1 < cores->count && cores->number[last + 1] == cores->number[last] + 1) {
            last++;
        }
        char piece[32];
        int size = last > i
                       ? snprintf(piece, sizeof piece, "%s%u-%u", i == 0 ? "" : ",",
                                  cores->number[i], cores->number[last])
                       : snprintf(piece, sizeof piece, "%s%u", i == 0 ? "" : ",", cores->number[i]);
        if (len + (size_t)size + sizeof "..." > CORES_TEXT) {
            strcpy(to + len, "...");
            break;
        }
        memcpy(to + len, piece, (size_t)size + 1);
        len += (size_t)size;
        i = last + 1;
    }
    return to;
}

int cores_pin(const struct cores *cores)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < cores->count; i++) {
        CPU_SET(cores->number[i], &set);
    }
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

/* A number below /sys/devices/system/cpu/cpuN/topology, or 0 where the kernel tells none. */
static long topology(unsigned number, const char *name)
{
    char path[128];
    long value = 0;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/%s", number, name);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fscanf(file, "%ld", &value) != 1) {
            value = 0;
        }
        fclose(file);
    }
    return value;
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->package != y->package) {
        return x->package < y->package ? -1 : 1;
    }
    if (x->core != y->core) {
        return x->core < y->core ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}
