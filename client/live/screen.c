#include "client/live/screen.h"

#include "client/blocks.h"
#include "client/live/terminal.h"

#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

enum {
    LEAVE_ROOM = 256,
    ROWS_MOST = 500, /* of a terminal, whatever it says of itself */
    COLS_MOST = 1000,
};

struct screen {
    int fd;
    FILE *in, *out;
    SCREEN *curses; /* NULL: not begun */
    bool shown;
    bool stale;  /* not shown any more, but the terminal does not know */
    bool broken; /* it cannot be shown */
    bool fine, colours;
    char *line; /* as wide as the canvas, in UTF-8 */
    int line_cols;
};

static const struct {
    short front, back; /* -1: the terminal's own */
    attr_t attributes; /* with colours, and without */
    attr_t plain_attributes;
} paints[PAINT_COUNT] = {
    [PAINT_PLAIN] = {-1, -1, A_NORMAL, A_NORMAL},
    [PAINT_FAINT] = {-1, -1, A_DIM, A_NORMAL},
    [PAINT_STRONG] = {-1, -1, A_BOLD, A_BOLD},
    [PAINT_HEAD] = {-1, -1, A_REVERSE | A_BOLD, A_REVERSE},
    [PAINT_RATE] = {COLOR_GREEN, -1, A_NORMAL, A_NORMAL},
    [PAINT_P50] = {COLOR_CYAN, -1, A_NORMAL, A_NORMAL},
    [PAINT_P99] = {COLOR_MAGENTA, -1, A_NORMAL, A_NORMAL},
    [PAINT_BAD] = {COLOR_RED, -1, A_BOLD, A_BOLD},
    [PAINT_RATE_UNDER_BAD] = {COLOR_GREEN, COLOR_RED, A_NORMAL, A_NORMAL},
    [PAINT_P50_UNDER_P99] = {COLOR_CYAN, COLOR_MAGENTA, A_NORMAL, A_NORMAL},
};

struct screen *screen_create(void)
{
    struct screen *screen = calloc(1, sizeof(*screen));
    int fd = screen == NULL ? -1 : terminal_open();
    if (fd < 0) {
        free(screen);
        return NULL;
    }
    setlocale(LC_CTYPE, ""); /* before there are threads: curses needs it to write UTF-8 */
    screen->fine = block_is_fine();
    screen->fd = fd;
    screen->in = fdopen(fd, "r");
    screen->out = fdopen(dup(fd), "w");
    if (screen->in == NULL || screen->out == NULL) {
        screen_destroy(screen);
        return NULL;
    }
    return screen;
}

void screen_destroy(struct screen *screen)
{
    if (screen == NULL) {
        return;
    }
    screen_leave(screen);
    if (screen->curses != NULL) {
        delscreen(screen->curses);
    }
    if (screen->out != NULL) {
        fclose(screen->out);
    }
    if (screen->in != NULL) {
        fclose(screen->in);
    } else {
        terminal_close(screen->fd);
    }
    free(screen->line);
    free(screen);
}

/* --- in and out ------------------------------------------------------------------------------- */

/* tputs(3) hands out one byte after the other. */
static char leave[LEAVE_ROOM];
static size_t leave_size;

static int collect(int byte)
{
    if (leave_size < sizeof leave) {
        leave[leave_size++] = (char)byte;
    }
    return byte;
}

/* What endwin(3) would write, for a process that cannot call it any more. */
static void collect_leave(void)
{
    const char *const all[] = {exit_attribute_mode, orig_pair, cursor_normal, exit_ca_mode};
    leave_size = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] != NULL) {
            tputs(all[i], 1, collect);
        }
    }
    terminal_leave_by(leave, leave_size);
}

static void begin_colours(struct screen *screen)
{
    const char *refused = getenv("NO_COLOR");
    bool wanted = refused == NULL || *refused == '\0';
    screen->colours =
        wanted && has_colors() && start_color() == OK && COLORS >= 8 && use_default_colors() == OK;
    for (short i = 1; screen->colours && i < PAINT_COUNT; i++) {
        init_pair(i, paints[i].front, paints[i].back);
    }
}

/* Ctrl-S would stop us at the next frame, and with us all that the main thread looks after. */
static void ignore_flow_control(const struct screen *screen)
{
    struct termios modes;
    if (tcgetattr(screen->fd, &modes) == 0) {
        modes.c_iflag &= (tcflag_t)~IXON;
        tcsetattr(screen->fd, TCSANOW, &modes);
        def_prog_mode();
    }
}

static bool begin(struct screen *screen)
{
    screen->curses = newterm(NULL, screen->out, screen->in);
    if (screen->curses == NULL) {
        return false;
    }
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    nodelay(stdscr, TRUE);
    leaveok(stdscr, TRUE);
    ignore_flow_control(screen);
    begin_colours(screen);
    return true;
}

/* Takes the terminal over, for the first time or again. */
static bool enter(struct screen *screen)
{
    if (screen->stale) { /* it was taken from us, and never given back */
        endwin();
        screen->stale = false;
    }
    terminal_guard(screen->fd);
    if (screen->curses != NULL) {
        def_shell_mode();
        reset_prog_mode();
    } else if (!begin(screen)) {
        terminal_release();
        screen->broken = true;
        return false;
    }
    collect_leave();
    clearok(curscr, TRUE);
    screen->shown = true;
    return true;
}

/* Who is in the background may not set modes, or is stopped: then that is left for later. */
void screen_leave(struct screen *screen)
{
    if (screen->shown && terminal_is_ours(screen->fd)) {
        endwin();
    } else if (screen->shown) {
        screen->stale = true;
    }
    if (screen->shown) {
        terminal_release();
        screen->shown = false;
    }
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Asks for the size at every frame, which is less to go wrong than to hear of each change. */
static void fit(const struct screen *screen)
{
    struct winsize size;
    bool known = ioctl(screen->fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    if (known && (size.ws_row != LINES || size.ws_col != COLS)) {
        resizeterm(size.ws_row, size.ws_col);
    }
}

/* Room for a row of the canvas. */
static bool make_line(struct screen *screen, int cols)
{
    if (cols > screen->line_cols) {
        char *line = realloc(screen->line, (size_t)cols * sizeof((struct cell){0}.text));
        if (line == NULL) {
            return false;
        }
        screen->line = line;
        screen->line_cols = cols;
    }
    return true;
}

bool screen_begin(struct screen *screen, struct canvas *canvas)
{
    if (screen->broken) {
        return false;
    }
    if (!terminal_is_ours(screen->fd)) {
        screen_leave(screen);
        return false;
    }
    if (!screen->shown && !enter(screen)) {
        return false;
    }
    fit(screen);
    int rows = LINES < ROWS_MOST ? LINES : ROWS_MOST;
    int cols = COLS < COLS_MOST ? COLS : COLS_MOST;
    canvas->fine = screen->fine;
    canvas->colours = screen->colours;
    return make_line(screen, cols) && canvas_begin(canvas, rows, cols);
}

static void set_paint(const struct screen *screen, enum paint paint)
{
    attr_t attributes = screen->colours ? paints[paint].attributes : paints[paint].plain_attributes;
    attr_set(attributes, screen->colours ? (short)paint : 0, NULL);
}

/* Cells of one paint at once. */
static void show_row(const struct screen *screen, const struct canvas *canvas, int row)
{
    int col = 0;
    while (col < canvas->cols) {
        int begin = col;
        enum paint paint = canvas_at(canvas, row, begin)->paint;
        char *end = screen->line;
        for (; col < canvas->cols && canvas_at(canvas, row, col)->paint == paint; col++) {
            end = stpcpy(end, canvas_at(canvas, row, col)->text);
        }
        set_paint(screen, paint);
        mvaddnstr(row, begin, screen->line, (int)(end - screen->line));
    }
}

void screen_show(struct screen *screen, const struct canvas *canvas)
{
    erase();
    for (int row = 0; row < canvas->rows; row++) {
        show_row(screen, canvas, row);
    }
    refresh();
}

int screen_key(struct screen *screen)
{
    int key = screen->shown && terminal_is_ours(screen->fd) ? getch() : ERR;
    return key == ERR ? -1 : key;
}
