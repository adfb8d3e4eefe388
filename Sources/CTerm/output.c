#include "state.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

/* MARK: Cells */

static attr_t attributes_of(const ct_cell *cell) {
    attr_t result = A_NORMAL;
    if (cell->attributes & CT_BOLD) result |= A_BOLD;
    if (cell->attributes & CT_DIM) result |= A_DIM;
    if (cell->attributes & CT_REVERSE) result |= A_REVERSE;
    if (cell->attributes & CT_UNDERLINE) result |= A_UNDERLINE;
    return result;
}

/* The pair of a cell's colours; 0, the terminal's own, when there are no pairs left. */
static int pair_of(const ct_cell *cell) {
    if (colours == 0 || (cell->foreground < 0 && cell->background < 0)) return 0;
    int pair = alloc_pair(cell->foreground, cell->background);
    return pair > 0 ? pair : 0;
}

void ct_row(int y, const ct_cell *cells, int count) {
    wchar_t characters[5];
    int pair = 0;
    for (int x = 0; x < count; x++) {
        const ct_cell *cell = &cells[x];
        if (x == 0 || cell->foreground != cells[x - 1].foreground || cell->background != cells[x - 1].background)
            pair = pair_of(cell);
        if (cell->count == 0) continue;
        int used = 0;
        if (!utf8 && cell->scalars[0] > 126) characters[used++] = L'?';
        else
            for (; used < cell->count && used < 4; used++) characters[used] = (wchar_t)cell->scalars[used];
        characters[used] = 0;
        cchar_t wide;
        if (setcchar(&wide, characters, attributes_of(cell), 0, &pair) == OK) mvadd_wch(y, x, &wide);
        if (!utf8 && cell->width == 2 && x + 1 < count) mvaddch(y, x + 1, (chtype)' ' | attributes_of(cell));
    }
}

void ct_cursor(int x, int y) {
    int is_shown = x >= 0 && y >= 0;
    leaveok(stdscr, !is_shown);
    curs_set(is_shown);
    if (is_shown) move(y, x);
}

void ct_flush(void) {
    wnoutrefresh(stdscr);
    doupdate();
}

void ct_repaint(void) { clearok(curscr, TRUE); }

int ct_control(const char *bytes, int count) {
    if (!is_xterm_like || !taken) return 0;
    write_all(STDOUT_FILENO, bytes, (size_t)count);
    return 1;
}

void ct_bell(void) { beep(); }

/* MARK: Widths */

static pthread_once_t width_once = PTHREAD_ONCE_INIT;
static locale_t width_locale;

static void open_width_locale(void) { width_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); }

int ct_width(uint32_t scalar) {
    if (scalar >= 32 && scalar < 127) return 1;
    pthread_once(&width_once, open_width_locale);
    if (!width_locale) return wcwidth((wchar_t)scalar);
    locale_t before = uselocale(width_locale);
    int width = wcwidth((wchar_t)scalar);
    uselocale(before);
    return width;
}
