/* The time line for other programs: a picture for the browser, and all marks as JSON lines. */
#include "lessons/timeline.h"

#include "lessons/book.h"
#include "lessons/stage.h"

/* --- marks ------------------------------------------------------------------------------------ */

static const char *const words[MARKS] = {
    [MARK_CREATED] = "created", [MARK_READY] = "ready", [MARK_RUNS] = "runs",
    [MARK_BLOCKS] = "blocks",   [MARK_WAITS] = "waits", [MARK_AWAITS] = "awaits",
    [MARK_ENDED] = "ended",     [MARK_SAYS] = "says",
};

static void write_json_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(to, "\\%c", c);
        } else if (c < ' ') {
            fprintf(to, "\\u%04x", c);
        } else {
            fputc(c, to);
        }
    }
    fputc('"', to);
}

bool timeline_write_events(FILE *to)
{
    const struct book *book = book_open();
    for (size_t i = 0; i < book->entries; i++) {
        const struct entry *entry = &book->entry[i];
        fprintf(to, "{\"at\":%.6f,\"scene\":%u,\"row\":%d,\"task\":", stage_time_s(entry->at_ns),
                entry->scene, entry->row);
        write_json_text(to, entry->row >= 0 ? book->row[entry->row].name : "");
        fprintf(to, ",\"event\":\"%s\"", words[entry->mark]);
        if (entry->mark == MARK_SAYS) {
            fputs(",\"text\":", to);
            write_json_text(to, entry->text);
        }
        fputs("}\n", to);
    }
    return !ferror(to);
}

/* --- the picture ------------------------------------------------------------------------------ */

enum {
    WIDTH = 1200, /* of the picture; rows begin at LEFT and end RIGHT before its end */
    LEFT = 150,
    RIGHT = 40,
    ROW = 26, /* from one to the next, of which BAR is coloured */
    BAR = 18,
    HEAD = 30,
    FOOT = 58,
    TOP = 62,
    BOTTOM = 50,
    MOST_ROWS = 400,
};

static const char *const colours[MARKS] = {
    [MARK_CREATED] = "#eceff1", [MARK_READY] = "#ffb74d", [MARK_RUNS] = "#2e7d32",
    [MARK_BLOCKS] = "#c62828",  [MARK_WAITS] = "#90caf9", [MARK_AWAITS] = "#d7dbe0",
};

struct frame {
    const struct book *book;
    unsigned scene;
    struct sums sums;
    uint64_t to_ns;
    size_t first, rows; /* those that are drawn */
    double y;           /* of its title */
};

static void write_xml_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? ' ' : *text, to);
        }
    }
}

static void write_text(FILE *to, double x, double y, const char *class, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
    write_xml_text(to, text);
    fputs("</text>\n", to);
}

static double x_of(const struct frame *frame, uint64_t at_ns)
{
    uint64_t from_ns = frame->sums.first_ns, to_ns = frame->to_ns;
    at_ns = at_ns > to_ns ? to_ns : at_ns < from_ns ? from_ns : at_ns;
    double part = (double)(at_ns - from_ns) / (double)(to_ns - from_ns);
    return LEFT + part * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct frame *frame, size_t row)
{
    return frame->y + HEAD + (double)(row - frame->first) * ROW;
}

/* Waits are thinner than what keeps the thread. A moment is made as wide as a line, unless there
 * are so many that they would hide the rest: `after` is where the last one of this row ended. */
static void write_span(const struct frame *frame, const struct span *span, double *after, FILE *to)
{
    double x = x_of(frame, span->from_ns), width = x_of(frame, span->to_ns) - x;
    bool thin = span->mark == MARK_WAITS || span->mark == MARK_AWAITS || span->mark == MARK_CREATED;
    double height = thin ? BAR / 3.0 : BAR;
    if (span->mark == MARK_RUNS) {
        width = width < 1.5 && x - *after > 5 ? 1.5 : width;
        *after = x + width;
    }
    if (span->from_ns >= frame->to_ns || width < 0.05) {
        return;
    }
    fprintf(to,
            "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"%s\">"
            "<title>%s %.3f s</title></rect>\n",
            x, y_of(frame, (size_t)span->row) + (BAR - height) / 2, width, height,
            colours[span->mark], words[span->mark], stage_seconds(span->to_ns - span->from_ns));
}

/* Runs are drawn last: they would vanish below what follows them. */
static void write_spans(const struct frame *frame, bool those_that_run, FILE *to)
{
    double after[MOST_ROWS] = {0};
    for (size_t i = 0; i < frame->book->spans; i++) {
        const struct span *span = &frame->book->span[i];
        size_t row = (size_t)span->row;
        if (row >= frame->first && row < frame->first + frame->rows &&
            (span->mark == MARK_RUNS) == those_that_run) {
            write_span(frame, span, &after[row - frame->first], to);
        }
    }
}

static void write_axis(const struct frame *frame, FILE *to)
{
    char label[32];
    double seconds = stage_seconds(frame->to_ns - frame->sums.first_ns);
    double step = book_step(seconds, 10);
    double top = frame->y + HEAD - 4, end = y_of(frame, frame->first + frame->rows);
    for (unsigned tick = 0; tick * step <= seconds * 1.0001; tick++) {
        double x = LEFT + tick * step / seconds * (WIDTH - LEFT - RIGHT);
        fprintf(to, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"axis\"/>\n", x,
                top, x, end + 4);
        book_label(label, sizeof(label), tick * step, step);
        write_text(to, x, end + 20, "tick", label);
    }
}

static void write_frame(const struct frame *frame, FILE *to)
{
    const char *title = frame->book->scene[frame->scene].title;
    if (title != NULL) {
        write_text(to, LEFT, frame->y + 14, "scene", title);
    }
    write_axis(frame, to);
    for (size_t i = 0; i < frame->rows; i++) {
        size_t row = frame->first + i;
        write_text(to, LEFT - 10, y_of(frame, row) + BAR - 4, "name", frame->book->row[row].name);
    }
    write_spans(frame, false, to);
    write_spans(frame, true, to);
}

/* Where the scene goes that begins at `y`; one without rows takes no place. */
static struct frame frame_of(const struct book *book, unsigned scene, double y)
{
    struct frame frame = {
        .book = book, .scene = scene, .sums = book_sums(book, scene), .first = 0, .y = y};
    while (frame.first < book->rows && book->row[frame.first].scene != scene) {
        frame.first++;
    }
    frame.to_ns = frame.sums.last_ns;
    if (frame.sums.first_ns < frame.sums.last_ns) {
        frame.rows = frame.sums.rows < MOST_ROWS ? frame.sums.rows : MOST_ROWS;
    }
    uint64_t zoom_ns = frame.sums.first_ns + stage_real_ns(book->scene[scene].zoom_s);
    if (book->scene[scene].zoom_s > 0 && zoom_ns < frame.to_ns) {
        frame.to_ns = zoom_ns;
    }
    return frame;
}

static double height_of(const struct frame *frame)
{
    return frame->rows > 0 ? HEAD + (double)frame->rows * ROW + FOOT : 0;
}

static void write_legend(double y, FILE *to)
{
    double x = LEFT;
    for (enum mark mark = MARK_CREATED; mark <= MARK_AWAITS; mark++) {
        fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"16\" height=\"14\" fill=\"%s\"/>\n", x, y,
                colours[mark]);
        write_text(to, x + 22, y + 12, "legend", book_meaning(mark));
        x += 130;
    }
}

bool timeline_write_svg(FILE *to, const char *title)
{
    const struct book *book = book_open();
    double height = TOP;
    for (unsigned scene = 0; scene < book->scenes; scene++) {
        struct frame frame = frame_of(book, scene, height);
        height += height_of(&frame);
    }
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" "
            "width=\"%d\" height=\"%.0f\">\n"
            "<style>text{font:14px sans-serif;fill:#263238}.title{font-size:19px;font-weight:bold}"
            ".scene{font-weight:bold;font-size:15px}.name{text-anchor:end}"
            ".tick{text-anchor:middle;fill:#607d8b;font-size:13px}.legend{font-size:13px}"
            ".axis{stroke:#dfe3e6}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, height + BOTTOM, WIDTH, height + BOTTOM);
    write_text(to, LEFT, 40, "title", title);
    double y = TOP;
    for (unsigned scene = 0; scene < book->scenes; scene++) {
        struct frame frame = frame_of(book, scene, y);
        if (frame.rows > 0) {
            write_frame(&frame, to);
        }
        y += height_of(&frame);
    }
    write_legend(height, to);
    fputs("</svg>\n", to);
    return !ferror(to);
}
