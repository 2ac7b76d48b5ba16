#include "client/evidence.h"

#include "lib/base/order.h"
#include "lib/base/random.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* A look takes some 10 us, and 50 ns for each gauge that another core has written. */
#define LOOK_NS (5 * NS_PER_MS)
#define LOOK_GAUGE_NS (20 * NS_PER_US)

/* --- the machine ------------------------------------------------------------------------------ */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static struct clocks clocks_now(void)
{
    return (struct clocks){
        .monotonic_ns = clock_ns(CLOCK_MONOTONIC),
        .raw_ns = clock_ns(CLOCK_MONOTONIC_RAW),
        .boot_ns = clock_ns(CLOCK_BOOTTIME),
    };
}

/* The beginning of a file of /proc, as a string; empty when there is none. */
static void read_start(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, room - 1);
    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

/* The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal (proc(5)). */
static void read_ticks(uint64_t *machine, uint64_t *stolen)
{
    char text[256];
    unsigned long long t[8] = {0};
    read_start("/proc/stat", text, sizeof text);
    if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
               &t[4], &t[5], &t[6], &t[7]) == 8) {
        *stolen = t[7];
        *machine = t[0] + t[1] + t[2] + t[3] + t[4] + t[5] + t[6] + t[7];
    }
}

static unsigned count_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static uint64_t timeval_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_usec * NS_PER_US;
}

/* Turns what was used up to a moment into what was used since, and back. */
static void turn_cpu(struct evidence *evidence)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    evidence->cpu_user_ns = timeval_ns(used.ru_utime) - evidence->cpu_user_ns;
    evidence->cpu_system_ns = timeval_ns(used.ru_stime) - evidence->cpu_system_ns;
}

void evidence_begin(struct evidence *evidence, struct timeline *timeline)
{
    *evidence = (struct evidence){.timeline = timeline, .cores = count_cores(), .wait_known = true};
    read_ticks(&evidence->machine_begin_ticks, &evidence->stolen_begin_ticks);
    evidence->begin = clocks_now();
    turn_cpu(evidence);
}

void evidence_count(struct evidence *evidence)
{
    evidence->cpu_user_ns = evidence->cpu_system_ns = 0;
    turn_cpu(evidence);
}

void evidence_end(struct evidence *evidence)
{
    evidence->end = clocks_now();
    turn_cpu(evidence);
    evidence->means = means_now();
    read_ticks(&evidence->machine_end_ticks, &evidence->stolen_end_ticks);
}

/* --- requests in flight ----------------------------------------------------------------------- */

struct sighting evidence_sighting(const struct gauge *gauges, size_t count, uint64_t now_ns)
{
    struct sighting sighting = {.at_ns = now_ns};
    for (size_t i = 0; i < count; i++) {
        sighting.flying += gauge_read(&gauges[i].flying);
        sighting.ended += gauge_read(&gauges[i].ended);
        sighting.spent_ns += gauge_read(&gauges[i].spent_ns);
        sighting.open += gauge_read(&gauges[i].open);
    }
    return sighting;
}

void evidence_look(struct evidence *evidence, const struct plan *plan, const struct course *course,
                   const struct gauge *gauges, size_t count, uint64_t now_ns)
{
    struct sighting sighting = evidence_sighting(gauges, count, now_ns);
    evidence->spent_ns = sighting.spent_ns;
    if (course_is_warming(course, now_ns)) {
        return;
    }
    bool over = now_ns >= course_end(course);
    if (evidence->timeline != NULL && !over) {
        timeline_look(evidence->timeline, &sighting);
    }
    if (over || course_is_drawn(course) || sighting.ended < plan->connections) {
        return;
    }
    if (evidence->first.at_ns == 0) {
        evidence->first = sighting;
        return;
    }
    evidence->last = sighting;
    evidence->sightings++;
    evidence->flying_sum += (double)sighting.flying;
    evidence->flying_squares += (double)sighting.flying * (double)sighting.flying;
}

/* However long workers took to leave, the last step ends with the course. */
void evidence_look_back(struct evidence *evidence, const struct course *course,
                        const struct gauge *gauges, size_t count, uint64_t now_ns)
{
    uint64_t end_ns = course_end(course);
    struct sighting sighting = evidence_sighting(gauges, count, lesser_of(now_ns, end_ns));
    evidence->spent_ns = sighting.spent_ns;
    if (evidence->timeline != NULL && !course_is_warming(course, sighting.at_ns)) {
        timeline_end(evidence->timeline, course->begin_ns, &sighting);
    }
}

uint64_t evidence_next_look(const struct evidence *evidence, size_t count, uint64_t now_ns)
{
    uint64_t usual_ns = LOOK_NS + count * LOOK_GAUGE_NS;
    return now_ns + random_between(now_ns, evidence->sightings, usual_ns / 2, usual_ns * 3 / 2);
}

/* --- threads ---------------------------------------------------------------------------------- */

struct toil toil_now(void)
{
    char text[128];
    unsigned long long ran_ns;
    unsigned long long waited_ns = 0;
    read_start("/proc/thread-self/schedstat", text, sizeof text);
    bool known = sscanf(text, "%llu %llu", &ran_ns, &waited_ns) == 2;
    return (struct toil){clock_ns(CLOCK_THREAD_CPUTIME_ID), waited_ns, known};
}

void evidence_add(struct evidence *evidence, const struct toil *begin, const struct toil *end)
{
    uint64_t cpu_ns = end->cpu_ns - begin->cpu_ns;
    if (cpu_ns > evidence->busiest_cpu_ns) {
        evidence->busiest_cpu_ns = cpu_ns;
    }
    evidence->threads++;
    evidence->wait_ns += end->wait_ns - begin->wait_ns;
    evidence->wait_known = evidence->wait_known && begin->wait_known && end->wait_known;
}
