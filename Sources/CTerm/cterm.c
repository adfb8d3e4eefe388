/* curses for wide characters */
#define _GNU_SOURCE
#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_WIDECHAR 1

#include "cterm.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/* term.h means terminfo capabilities by these words */
#undef columns
#undef lines

/* MARK: Giving the terminal back from a signal handler.
 * Only what a handler may touch: plain memory filled before the handlers are installed, and async-signal-safe calls. */

static char reset_bytes[512];
static size_t reset_count;
static struct termios saved_mode;
static volatile sig_atomic_t taken;
static int signal_fd = -1;
static atomic_int signals_seen;

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
#define FATAL_COUNT (sizeof fatal_signals / sizeof *fatal_signals)
static struct sigaction previous_fatal[FATAL_COUNT];
static struct sigaction previous_winch, previous_stop, previous_continue;

static void write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

/* The kernel drops what is typed ahead, so that half a mouse report does not end up on the shell's line. */
static void restore_by_hand(void) {
    if (!taken) return;
    taken = 0;
    write_all(STDOUT_FILENO, reset_bytes, reset_count);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved_mode);
}

static int is_crash(int number) {
    return number != SIGTERM && number != SIGINT && number != SIGHUP && number != SIGQUIT;
}

/* Who had the signal before us, with what the kernel told: Swift's crash reporter needs the place of the fault. */
static void hand_on(int number, siginfo_t *info, void *context) {
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        if (fatal_signals[i] != number) continue;
        const struct sigaction *previous = &previous_fatal[i];
        if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN) return;
        if (previous->sa_flags & SA_SIGINFO) previous->sa_sigaction(number, info, context);
        else previous->sa_handler(number);
    }
}

static void on_fatal(int number, siginfo_t *info, void *context) {
    if (taken && is_crash(number)) {
        restore_by_hand();
        static const char sentence[] = "orch tui crashed; the daemon and its agents are not affected\n";
        write_all(STDERR_FILENO, sentence, sizeof sentence - 1);
        /* Swift's crash reporter asks a terminal for a key, for 30 s; at end of file it just reports. */
        int null = open("/dev/null", O_RDONLY);
        if (null >= 0) dup2(null, STDIN_FILENO);
    }
    restore_by_hand();
    hand_on(number, info, context);
    struct sigaction plain = {0};
    plain.sa_handler = SIG_DFL;
    sigaction(number, &plain, NULL);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, number);
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

static void on_signal(int number) {
    int saved = errno;
    int bit = number == SIGWINCH ? CT_RESIZED : number == SIGTSTP ? CT_SUSPEND : CT_RESUMED;
    atomic_fetch_or(&signals_seen, bit);
    uint64_t one = 1;
    ssize_t ignored = write(signal_fd, &one, sizeof one);
    (void)ignored;
    errno = saved;
}

/* Takes over a signal, unless it is ignored: who started us with nohup meant it. */
static void take_signal(int number, struct sigaction action, struct sigaction *previous) {
    action.sa_flags |= SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    sigaction(number, NULL, previous);
    if (previous->sa_handler == SIG_IGN && number != SIGWINCH) return;
    sigaction(number, &action, NULL);
}

static void take_signals(void) {
    struct sigaction noted = {0}, fatal = {0};
    noted.sa_handler = on_signal;
    fatal.sa_sigaction = on_fatal;
    fatal.sa_flags = SA_SIGINFO;
    take_signal(SIGWINCH, noted, &previous_winch);
    take_signal(SIGTSTP, noted, &previous_stop);
    take_signal(SIGCONT, noted, &previous_continue);
    for (size_t i = 0; i < FATAL_COUNT; i++) take_signal(fatal_signals[i], fatal, &previous_fatal[i]);
}

static void give_signals_back(void) {
    sigaction(SIGWINCH, &previous_winch, NULL);
    sigaction(SIGTSTP, &previous_stop, NULL);
    sigaction(SIGCONT, &previous_continue, NULL);
    for (size_t i = 0; i < FATAL_COUNT; i++) sigaction(fatal_signals[i], &previous_fatal[i], NULL);
}

/* Adds a terminfo string without its padding marks, `$<5>`. */
static void add_reset(const char *string) {
    if (!string || string == (char *)-1) return;
    for (const char *p = string; *p && reset_count < sizeof reset_bytes; p++) {
        const char *end = p[0] == '$' && p[1] == '<' ? strchr(p, '>') : NULL;
        if (end) {
            p = end;
            continue;
        }
        reset_bytes[reset_count++] = *p;
    }
}

/* Mouse and paste reports are switched off by name: terminals that do not know them ignore that. */
static const char modes_off[] = "\033[?2004l\033[?1006l\033[?1003l\033[?1002l\033[?1000l";

static void prepare_reset(void) {
    reset_count = 0;
    if (tigetstr("kmous") && tigetstr("kmous") != (char *)-1) add_reset(modes_off);
    add_reset(tigetstr("sgr0"));
    add_reset(tigetstr("rmkx"));
    add_reset(tigetstr("cnorm"));
    add_reset(tigetstr("rmcup"));
}

/* MARK: Beginning and end */

static SCREEN *screen;
static int colours;
static int utf8;
static int knows_mouse;

int ct_check(void) {
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return CT_NOT_A_TERMINAL;
    const char *name = getenv("TERM");
    if (!name || !*name) return CT_UNKNOWN_TERMINAL;
    int found;
    if (setupterm(name, STDOUT_FILENO, &found) != OK) return CT_UNKNOWN_TERMINAL;
    const char *move = tigetstr("cup");
    const char *clear = tigetstr("clear");
    return move && move != (char *)-1 && clear && clear != (char *)-1 ? CT_OK : CT_DUMB_TERMINAL;
}

/* Only LC_CTYPE: numbers keep their dot. */
static int take_locale(void) {
    if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return 1;
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void write_mode(const char *string) {
    if (knows_mouse) write_all(STDOUT_FILENO, string, strlen(string));
}

static void take_colours(int wanted) {
    colours = 0;
    if (!wanted || !has_colors()) return;
    start_color();
    use_default_colors();
    colours = COLORS;
    /* pair n + 1 is colour n on the terminal's own background */
    for (int colour = 0; colour < 16 && colour < COLORS && colour + 1 < COLOR_PAIRS; colour++)
        init_pair((short)(colour + 1), (short)colour, -1);
}

int ct_begin(int use_colour, ct_terminal *out) {
    int refusal = ct_check();
    if (refusal != CT_OK) return refusal;
    if (signal_fd < 0) signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signal_fd < 0) return CT_NO_DESCRIPTOR;
    utf8 = take_locale();
    tcgetattr(STDIN_FILENO, &saved_mode);
    prepare_reset();
    /* before newterm: curses installs handlers of its own where it finds the default action */
    take_signals();
    set_escdelay(25);
    screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        give_signals_back();
        return CT_UNKNOWN_TERMINAL;
    }
    taken = 1;
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    leaveok(stdscr, TRUE);
    take_colours(use_colour);
    const char *mouse = tigetstr("kmous");
    knows_mouse = mouse && mouse != (char *)-1;
    if (knows_mouse) mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    mouseinterval(0);
    define_key("\033[200~", KEY_MAX + 1);
    define_key("\033[201~", KEY_MAX + 2);
    write_mode("\033[?2004h");
    *out = (ct_terminal){.colours = colours, .utf8 = utf8};
    ct_size(&out->columns, &out->rows);
    return CT_OK;
}

void ct_end(void) {
    if (!screen) return;
    write_mode("\033[?2004l");
    if (taken) {
        endwin();
        taken = 0;
        /* what was typed ahead is not for the shell */
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved_mode);
    }
    give_signals_back();
    delscreen(screen);
    screen = NULL;
}

/* MARK: Signals, for the loop */

int ct_signal_fd(void) { return signal_fd; }

int ct_take_signals(void) {
    uint64_t ignored;
    ssize_t count = read(signal_fd, &ignored, sizeof ignored);
    (void)count;
    return atomic_exchange(&signals_seen, 0);
}

void ct_size(int *columns, int *rows) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0
        && (size.ws_col != COLS || size.ws_row != LINES))
        resizeterm(size.ws_row, size.ws_col);
    *columns = COLS;
    *rows = LINES;
}

void ct_suspend(void) {
    write_mode("\033[?2004l");
    endwin();
    taken = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_mode);
    struct sigaction ours;
    struct sigaction plain = {0};
    plain.sa_handler = SIG_DFL;
    sigaction(SIGTSTP, &plain, &ours);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
    ct_resume();
}

void ct_resume(void) {
    if (!screen) return;
    taken = 1;
    reset_prog_mode();
    clearok(curscr, TRUE);
    wrefresh(stdscr);
    curs_set(0);
    write_mode("\033[?2004h");
}

/* MARK: Input */

static uint32_t named_key(wint_t code) {
    switch (code) {
    case KEY_UP: return CT_KEY_UP;
    case KEY_DOWN: return CT_KEY_DOWN;
    case KEY_LEFT: return CT_KEY_LEFT;
    case KEY_RIGHT: return CT_KEY_RIGHT;
    case KEY_HOME: return CT_KEY_HOME;
    case KEY_END: return CT_KEY_END;
    case KEY_PPAGE: return CT_KEY_PAGE_UP;
    case KEY_NPAGE: return CT_KEY_PAGE_DOWN;
    case KEY_ENTER: return CT_KEY_ENTER;
    case KEY_BACKSPACE: return CT_KEY_BACKSPACE;
    case KEY_BTAB: return CT_KEY_BACK_TAB;
    case KEY_MAX + 1: return CT_KEY_PASTE_START;
    case KEY_MAX + 2: return CT_KEY_PASTE_END;
    default: return 0;
    }
}

/* A press and a release read together arrive as a click, even with mouseinterval(0). */
static ct_event mouse_event(void) {
    MEVENT mouse;
    if (getmouse(&mouse) != OK) return (ct_event){.kind = CT_OTHER};
    ct_event event = {.kind = CT_MOUSE, .x = mouse.x, .y = mouse.y};
    if (mouse.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED)) event.code = CT_MOUSE_PRESS;
    else if (mouse.bstate & BUTTON4_PRESSED) event.code = CT_MOUSE_WHEEL_UP;
    else if (mouse.bstate & BUTTON5_PRESSED) event.code = CT_MOUSE_WHEEL_DOWN;
    else event.kind = CT_OTHER;
    return event;
}

static int terminal_is_gone(void) {
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&terminal, 1, 0) <= 0) return 0;
    if (terminal.revents & (POLLHUP | POLLERR | POLLNVAL)) return 1;
    /* readable, and yet curses found nothing: end of file, or half a sequence */
    int waiting = 0;
    return ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0;
}

ct_event ct_next_event(void) {
    wint_t code;
    int kind = get_wch(&code);
    if (kind == ERR) return (ct_event){.kind = terminal_is_gone() ? CT_LOST : CT_NONE};
    if (kind != KEY_CODE_YES) return (ct_event){.kind = CT_CHARACTER, .code = (uint32_t)code};
    if (code == KEY_MOUSE) return mouse_event();
    uint32_t key = named_key(code);
    return (ct_event){.kind = key ? CT_KEY : CT_OTHER, .code = key};
}

/* MARK: Output */

static attr_t attributes_of(const ct_cell *cell) {
    attr_t result = A_NORMAL;
    if (cell->attributes & CT_BOLD) result |= A_BOLD;
    if (cell->attributes & CT_DIM) result |= A_DIM;
    if (cell->attributes & CT_REVERSE) result |= A_REVERSE;
    if (cell->attributes & CT_UNDERLINE) result |= A_UNDERLINE;
    return result;
}

void ct_row(int y, const ct_cell *cells, int count) {
    wchar_t characters[5];
    for (int x = 0; x < count; x++) {
        const ct_cell *cell = &cells[x];
        if (cell->count == 0) continue;
        int used = 0;
        if (!utf8 && cell->scalars[0] > 126) characters[used++] = L'?';
        else
            for (; used < cell->count && used < 4; used++) characters[used] = (wchar_t)cell->scalars[used];
        characters[used] = 0;
        short pair = cell->foreground >= 0 && cell->foreground < colours ? (short)(cell->foreground + 1) : 0;
        cchar_t wide;
        if (setcchar(&wide, characters, attributes_of(cell), pair, NULL) == OK) mvadd_wch(y, x, &wide);
        if (!utf8 && cell->width == 2 && x + 1 < count) mvaddch(y, x + 1, (chtype)' ' | attributes_of(cell));
    }
}

void ct_flush(void) {
    wnoutrefresh(stdscr);
    doupdate();
}

void ct_repaint(void) { clearok(curscr, TRUE); }

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
