#include "lessons/book.h"

#include "lessons/stage.h"

#include <stdlib.h>

/* Created, ready and awaiting is no use of time of its own. */
static bool counts(enum mark mark)
{
    return mark == MARK_RUNS || mark == MARK_BLOCKS || mark == MARK_WAITS;
}

static void add_span(struct sums *sums, const struct span *span, uint64_t *total_ns)
{
    if (sums->last_ns == 0 || span->from_ns < sums->first_ns) {
        sums->first_ns = span->from_ns;
    }
    if (span->to_ns > sums->last_ns) {
        sums->last_ns = span->to_ns;
    }
    if (counts(span->mark)) {
        *total_ns += span->to_ns - span->from_ns;
        sums->sum_ns += span->to_ns - span->from_ns;
        sums->longest_ns = *total_ns > sums->longest_ns ? *total_ns : sums->longest_ns;
    }
}

struct sums book_sums(const struct book *book, unsigned scene)
{
    struct sums sums = {0};
    uint64_t total_ns[BOOK_ROWS] = {0};
    for (size_t i = 0; i < book->spans; i++) {
        const struct span *span = &book->span[i];
        if (book->row[span->row].scene == scene) {
            add_span(&sums, span, &total_ns[span->row]);
        }
    }
    for (size_t row = 0; row < book->rows; row++) {
        sums.rows += book->row[row].scene == scene;
    }
    return sums;
}

double book_step(double seconds, unsigned most)
{
    static const double hours[] = {600, 1200, 1800, 3600, 7200, 14400, 36000};
    for (size_t i = 0; seconds > 1800 && i < sizeof(hours) / sizeof(*hours); i++) {
        if (seconds / hours[i] <= most) {
            return hours[i];
        }
    }
    static const double mantissas[] = {1, 2, 5};
    for (double power = 1e-6;; power *= 10) {
        for (size_t i = 0; i < 3; i++) {
            if (seconds / (mantissas[i] * power) <= most) {
                return mantissas[i] * power;
            }
        }
    }
}

int book_label(char *to, size_t size, double at_s, double step_s)
{
    if (step_s >= 600) {
        unsigned minutes = (unsigned)(at_s / 60 + 0.5);
        return snprintf(to, size, "%u:%02u h", minutes / 60, minutes % 60);
    }
    int digits = 0;
    for (double step = step_s; step < 0.999 && digits < 6; step *= 10) {
        digits++;
    }
    return snprintf(to, size, "%.*f s", digits, at_s);
}

const char *book_meaning(enum mark mark)
{
    static const char *const meanings[MARKS] = {
        [MARK_CREATED] = "not started", [MARK_READY] = "kept waiting",
        [MARK_RUNS] = "runs",           [MARK_BLOCKS] = "blocks",
        [MARK_WAITS] = "waits",         [MARK_AWAITS] = "awaits others",
    };
    return meanings[mark];
}
