#include "lessons/timeline.h"

#include "lessons/book.h"
#include "lib/base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What may grow lies in memory that forked processes share. */
struct shared {
    atomic_size_t entries, rows;
    struct entry entry[BOOK_ENTRIES];
    struct row row[BOOK_ROWS];
};

static struct shared *shared;
static struct book book;
static _Thread_local int here = -1;

bool timeline_begin(void)
{
    void *at = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        return false;
    }
    shared = at;
    book = (struct book){.entry = shared->entry, .row = shared->row, .scenes = 1};
    book.scene[0].begin_ns = clock_monotonic_ns();
    return true;
}

void timeline_end(void)
{
    if (shared != NULL) {
        munmap(shared, sizeof(*shared));
    }
    shared = NULL;
    free(book.span);
    book = (struct book){0};
}

void timeline_scene(const char *title)
{
    struct scene *last = &book.scene[book.scenes - 1];
    bool is_first = book.scenes == 1 && last->title == NULL;
    if (!is_first && book.scenes < BOOK_SCENES) {
        last->end_ns = clock_monotonic_ns();
        last = &book.scene[book.scenes++];
    }
    *last = (struct scene){.title = title, .begin_ns = clock_monotonic_ns()};
}

void timeline_zoom(double seconds)
{
    book.scene[book.scenes - 1].zoom_s = seconds;
}

int timeline_row(const char *name)
{
    size_t row = shared != NULL ? atomic_fetch_add(&shared->rows, 1) : BOOK_ROWS;
    if (row >= BOOK_ROWS) {
        return -1;
    }
    snprintf(shared->row[row].name, TIMELINE_NAME, "%s", name);
    shared->row[row].scene = book.scenes - 1;
    return (int)row;
}

static void note(int row, enum mark mark, uint64_t at_ns, const char *text)
{
    size_t index = atomic_fetch_add(&shared->entries, 1);
    if (index < BOOK_ENTRIES) {
        struct entry *entry = &shared->entry[index];
        *entry = (struct entry){.at_ns = at_ns, .mark = mark, .row = row};
        entry->scene = row >= 0 ? shared->row[row].scene : book.scenes - 1;
        snprintf(entry->text, TIMELINE_TEXT, "%s", text);
    }
}

void timeline_mark(int row, enum mark mark, uint64_t at_ns)
{
    if (row >= 0) {
        note(row, mark, at_ns, "");
    }
}

void timeline_say(int row, uint64_t at_ns, const char *text)
{
    if (shared != NULL) {
        note(row, MARK_SAYS, at_ns, text);
    }
}

void timeline_enter(int row)
{
    here = row;
}

int timeline_here(void)
{
    return here;
}

/* --- when it is over -------------------------------------------------------------------------- */

/* By time; marks of one moment stay as they were written. */
static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Each mark ends what its row did before. What nothing ends lasts until the scene does. */
static void make_spans(void)
{
    struct span open[BOOK_ROWS];
    for (size_t row = 0; row < book.rows; row++) {
        open[row] = (struct span){.row = (int)row, .mark = MARK_ENDED};
    }
    for (size_t i = 0; i < book.entries + book.rows; i++) {
        bool is_last = i >= book.entries;
        const struct entry *entry = is_last ? NULL : &book.entry[i];
        if (entry != NULL && (entry->row < 0 || entry->mark == MARK_SAYS)) {
            continue;
        }
        size_t row = is_last ? i - book.entries : (size_t)entry->row;
        uint64_t until_ns = is_last ? book.scene[book.row[row].scene].end_ns : entry->at_ns;
        if (open[row].mark != MARK_ENDED) {
            open[row].to_ns = until_ns;
            book.span[book.spans++] = open[row];
        }
        open[row].mark = is_last ? MARK_ENDED : entry->mark;
        open[row].from_ns = until_ns;
    }
}

bool timeline_close(void)
{
    book.scene[book.scenes - 1].end_ns = clock_monotonic_ns();
    book.rows = least(atomic_load(&shared->rows), BOOK_ROWS);
    book.entries = least(atomic_load(&shared->entries), BOOK_ENTRIES);
    for (size_t i = 0; i < book.entries; i++) {
        book.entry[i].index = i;
    }
    qsort(book.entry, book.entries, sizeof(*book.entry), compare);
    book.span = calloc(book.entries + book.rows + 1, sizeof(*book.span));
    if (book.span != NULL) {
        make_spans();
    }
    return book.span != NULL;
}

const struct book *book_open(void)
{
    return &book;
}
