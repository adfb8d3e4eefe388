/* What the files of this target share. */
#ifndef CTERM_STATE_H
#define CTERM_STATE_H

/* curses for wide characters; everything of Linux */
#define _GNU_SOURCE
#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_WIDECHAR 1

#include "cterm.h"

#include <curses.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

/* No other library is to find these names in ours. */
#pragma GCC visibility push(hidden)

/* How the terminal was when it was taken. */
extern struct termios saved_mode;

/* Whether the terminal is ours now: what a signal's handler has to give back. */
extern volatile sig_atomic_t taken;

/* The leader of the process group the terminal is lent to; 0: none. */
extern volatile sig_atomic_t lent_to;

extern SCREEN *screen;
extern int colours;
extern int utf8;

/* The terminal understands, or leaves alone, what xterm made common: mouse reports, pastes, control strings. */
extern int is_xterm_like;

void write_all(int fd, const char *bytes, size_t count);

/* Modes that curses knows nothing of. */
void modes_on(void);
void modes_off(void);

/* Gives the terminal back and takes it again, with curses none the wiser. */
void hand_over(void);
void take_back(void);

/* Tells curses which key sequences mean what. */
void define_keys(void);

#pragma GCC visibility pop

#endif
