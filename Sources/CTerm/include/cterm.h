/* The terminal, behind plain C types: no curses name leaves this target.
 *
 * All functions are for one thread, except ct_width. The terminal is given back by ct_end, and by handlers of
 * our own when the process is ended by a signal or crashes. */
#ifndef CTERM_H
#define CTERM_H

#include <stdint.h>

/* One character cell: a base character and its zero-width marks. `count` 0 is the right half of a wide one. */
typedef struct {
    uint32_t scalars[4];
    uint8_t count;
    uint8_t width;
    int16_t foreground;   /* a colour number, or -1: the terminal's own */
    uint32_t attributes;  /* CT_BOLD and friends */
} ct_cell;

enum { CT_BOLD = 1, CT_DIM = 2, CT_REVERSE = 4, CT_UNDERLINE = 8 };

enum ct_event_kind {
    CT_NONE = 0,
    CT_CHARACTER,  /* code: a Unicode scalar, control characters included */
    CT_KEY,        /* code: one of CT_KEY_… */
    CT_MOUSE,      /* code: one of CT_MOUSE_…, at x, y */
    CT_OTHER,      /* something we have no use for */
    CT_LOST,       /* the terminal is gone */
};

enum ct_key {
    CT_KEY_UP = 1, CT_KEY_DOWN, CT_KEY_LEFT, CT_KEY_RIGHT, CT_KEY_HOME, CT_KEY_END, CT_KEY_PAGE_UP,
    CT_KEY_PAGE_DOWN, CT_KEY_ENTER, CT_KEY_BACKSPACE, CT_KEY_BACK_TAB, CT_KEY_PASTE_START, CT_KEY_PASTE_END,
};

enum ct_mouse { CT_MOUSE_PRESS = 1, CT_MOUSE_WHEEL_UP, CT_MOUSE_WHEEL_DOWN };

typedef struct {
    int kind;
    uint32_t code;
    int x, y;
} ct_event;

/* Why ct_begin refused. */
enum ct_refusal {
    CT_OK = 0,
    CT_NOT_A_TERMINAL,   /* standard input or output is something else */
    CT_UNKNOWN_TERMINAL, /* no terminfo entry for $TERM */
    CT_DUMB_TERMINAL,    /* one that cannot place its cursor */
    CT_NO_DESCRIPTOR,    /* no eventfd */
};

typedef struct {
    int columns, rows;
    int colours; /* 0 without colour */
    int utf8;    /* 0: the terminal is written in ASCII */
} ct_terminal;

/* Whether ct_begin would work: CT_OK or a refusal. Touches nothing. */
int ct_check(void);

/* Takes the terminal: alternate screen, keys one by one, mouse reports. `use_colour` 0 for NO_COLOR. */
int ct_begin(int use_colour, ct_terminal *out);

/* Gives it back. Harmless when it was not taken. */
void ct_end(void);

/* Readable when the size changed, or the process was stopped or continued. See ct_take_signals. */
int ct_signal_fd(void);

enum { CT_RESIZED = 1, CT_SUSPEND = 2, CT_RESUMED = 4 };

/* Empties ct_signal_fd; what happened, as a sum of CT_RESIZED, CT_SUSPEND and CT_RESUMED. */
int ct_take_signals(void);

/* Asks the system for the size and tells curses. */
void ct_size(int *columns, int *rows);

/* Gives the terminal back, stops this process as Ctrl-Z does, and takes the terminal again once continued. */
void ct_suspend(void);

/* Takes the modes again after somebody else had the terminal. */
void ct_resume(void);

/* The next event, without waiting; CT_NONE when there is none. */
ct_event ct_next_event(void);

/* Puts `count` cells into row `y`. Nothing is written before ct_flush. */
void ct_row(int y, const ct_cell *cells, int count);

/* Writes what differs from what the terminal shows. */
void ct_flush(void);

/* The next ct_flush writes everything anew. */
void ct_repaint(void);

/* Columns of a character: libc's answer in a UTF-8 locale, whatever the locale of the process. -1: not printable. */
int ct_width(uint32_t scalar);

#endif
