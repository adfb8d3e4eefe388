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
    int32_t foreground;   /* a colour's number, or -1: the terminal's own */
    int32_t background;
    uint32_t attributes;  /* CT_BOLD and friends */
} ct_cell;

enum { CT_BOLD = 1, CT_DIM = 2, CT_REVERSE = 4, CT_UNDERLINE = 8 };

enum ct_event_kind {
    CT_NONE = 0,
    CT_CHARACTER,  /* code: a Unicode scalar, control characters included */
    CT_KEY,        /* code: one of CT_KEY_… */
    CT_ALT,        /* code: a Unicode scalar, typed with the Alt key held */
    CT_FUNCTION,   /* code: 1 to 12 */
    CT_MOUSE,      /* code: one of CT_MOUSE_…, at x, y */
    CT_BACKGROUND, /* code: the terminal's background, as 0xrrggbb; the answer to ct_ask_background */
    CT_OTHER,      /* something we have no use for */
    CT_LOST,       /* the terminal is gone */
};

enum ct_key {
    CT_KEY_UP = 1, CT_KEY_DOWN, CT_KEY_LEFT, CT_KEY_RIGHT, CT_KEY_HOME, CT_KEY_END, CT_KEY_PAGE_UP,
    CT_KEY_PAGE_DOWN, CT_KEY_ENTER, CT_KEY_BACKSPACE, CT_KEY_BACK_TAB, CT_KEY_INSERT, CT_KEY_DELETE, CT_KEY_CONTROL_UP,
    CT_KEY_CONTROL_DOWN, CT_KEY_CONTROL_LEFT, CT_KEY_CONTROL_RIGHT, CT_KEY_PASTE_START, CT_KEY_PASTE_END,
};

/* The left button, and the wheel. */
enum ct_mouse { CT_MOUSE_PRESS = 1, CT_MOUSE_DRAG, CT_MOUSE_RELEASE, CT_MOUSE_WHEEL_UP, CT_MOUSE_WHEEL_DOWN };

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
    int colours; /* 0 without colour; 1 << 24 where a colour's number is its red, green and blue */
    int palette; /* of those, how many are places in the palette nevertheless */
    int utf8;    /* 0: the terminal is written in ASCII */
} ct_terminal;

/* Whether ct_begin would work: CT_OK or a refusal. Touches nothing. */
int ct_check(void);

/* Takes the terminal: alternate screen, keys one by one, mouse reports. `use_colour` 0 for NO_COLOR; `true_colour`: the
 * terminal is said to show any colour, even where its terminfo entry does not say so. */
int ct_begin(int use_colour, int true_colour, ct_terminal *out);

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

/* Asks the terminal for its background. One that knows the answer gives it as an event, some time; others never. */
void ct_ask_background(void);

/* Mouse reports on (1) or off (0): without them the terminal's own selection works. On after ct_begin. */
void ct_mouse(int on);

/* The next event, without waiting; CT_NONE when there is none. */
ct_event ct_next_event(void);

/* Puts `count` cells into row `y`. Nothing is written before ct_flush. */
void ct_row(int y, const ct_cell *cells, int count);

/* Where the terminal's cursor stands after the next ct_flush, behind all ct_row; hidden where that is nowhere, at -1. */
void ct_cursor(int x, int y);

/* Writes what differs from what the terminal shows. */
void ct_flush(void);

/* The next ct_flush writes everything anew. */
void ct_repaint(void);

/* Writes a control string as it is, at once, where the terminal is one that leaves alone what it does not know; 0 where
 * it may not be, and nothing was written. */
int ct_control(const char *bytes, int count);

void ct_bell(void);

/* A program to run on the terminal in place of this one. */
typedef struct {
    const char *program;        /* a path, or a name that is looked for on PATH */
    char *const *arguments;     /* NULL-terminated, arguments[0] first */
    char *const *environment;   /* NULL-terminated */
    const char *directory;      /* NULL: ours */
} ct_foreground;

/* Gives the terminal back, runs the program in a process group of its own in the foreground, waits until it has ended, and
 * takes the terminal again; the next ct_flush writes everything anew. It starts with no descriptor but the first three,
 * all signals unblocked and at their default action. When it is stopped, so is this process, as Ctrl-Z does. 0 and a
 * wait status, or an errno value when it could not be started. Works without ct_begin, too. */
int ct_lend(const ct_foreground *request, int *status);

/* Columns of a character: libc's answer in a UTF-8 locale, whatever the locale of the process. -1: not printable. */
int ct_width(uint32_t scalar);

#endif
