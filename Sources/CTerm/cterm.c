#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

/* term.h means terminfo capabilities by these words */
#undef columns
#undef lines

/* MARK: Giving the terminal back from a signal handler.
 * Only what a handler may touch: plain memory filled before the handlers are installed, and async-signal-safe calls. */

static char reset_bytes[512];
static size_t reset_count;
struct termios saved_mode;
volatile sig_atomic_t taken;
static int signal_fd = -1;
static atomic_int signals_seen;

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
#define FATAL_COUNT (sizeof fatal_signals / sizeof *fatal_signals)
static struct sigaction previous_fatal[FATAL_COUNT];
static struct sigaction previous_winch, previous_stop, previous_continue;

void write_all(int fd, const char *bytes, size_t count) {
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
    /* Who has the terminal from us loses it with us: an editor keeps what it can. */
    if (lent_to > 0) {
        kill(-lent_to, SIGHUP);
        kill(-lent_to, SIGCONT);
    }
    /* The others are meant: no report of a crash is wanted of Swift, which makes one of SIGQUIT, too. */
    if (is_crash(number)) hand_on(number, info, context);
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

/* Mouse reports with presses, releases and drags, in the form without a limit of columns. */
static const char mouse_on[] = "\033[?1000h\033[?1002h\033[?1006h";
static const char mouse_off[] = "\033[?1006l\033[?1002l\033[?1000l";
static const char paste_on[] = "\033[?2004h";
static const char paste_off[] = "\033[?2004l";

static void prepare_reset(void) {
    reset_count = 0;
    if (is_xterm_like) {
        add_reset(mouse_off);
        add_reset(paste_off);
    }
    add_reset(tigetstr("sgr0"));
    add_reset(tigetstr("rmkx"));
    add_reset(tigetstr("cnorm"));
    add_reset(tigetstr("rmcup"));
}

/* MARK: Beginning and end */

SCREEN *screen;
int colours;
int utf8;
int is_xterm_like;
static int wants_mouse;

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

/* The Linux console claims a mouse, and draws what it does not understand. */
static int is_like_xterm(const char *name) {
    const char *mouse = tigetstr("kmous");
    return mouse && mouse != (char *)-1 && strncmp(name, "linux", 5) != 0;
}

/* MARK: Modes that curses knows nothing of */

static void write_mode(const char *string) {
    if (is_xterm_like) write_all(STDOUT_FILENO, string, strlen(string));
}

void modes_on(void) {
    write_mode(paste_on);
    if (wants_mouse) write_mode(mouse_on);
}

void modes_off(void) {
    write_mode(mouse_off);
    write_mode(paste_off);
}

void ct_mouse(int on) {
    wants_mouse = on;
    if (taken) write_mode(on ? mouse_on : mouse_off);
}

/* MARK: Colours */

/* The entry of the same terminal that sends a colour as its red, green and blue; NULL: there is none. */
static const char *direct_entry(const char *name) {
    static const char *const families[] = {"xterm", "tmux", "alacritty", "kitty", "konsole", "vte", "mintty", "st"};
    static char direct[32];
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        size_t length = strlen(families[i]);
        if (strncmp(name, families[i], length) != 0 || (name[length] && name[length] != '-')) continue;
        snprintf(direct, sizeof direct, "%s-direct", families[i]);
        int found;
        TERMINAL *before = cur_term;
        if (setupterm(direct, STDOUT_FILENO, &found) != OK) return NULL;
        del_curterm(set_curterm(before));
        return direct;
    }
    return NULL;
}

static void take_colours(int wanted, ct_terminal *out) {
    colours = 0;
    if (!wanted || !has_colors()) return;
    start_color();
    use_default_colors();
    colours = COLORS;
    int palette = tigetnum("CO");
    out->palette = palette > 0 ? palette : 8;
}

/* MARK: Taking and giving back */

/* Ctrl-S is a key, and does not stop the terminal. */
static void take_flow_control(void) {
    struct termios mode;
    if (tcgetattr(STDIN_FILENO, &mode) != 0) return;
    mode.c_iflag &= ~(tcflag_t)IXON;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
    /* what curses takes again after somebody else had the terminal */
    def_prog_mode();
}

int ct_begin(int use_colour, int true_colour, ct_terminal *out) {
    int refusal = ct_check();
    if (refusal != CT_OK) return refusal;
    const char *name = getenv("TERM");
    if (use_colour && true_colour) {
        const char *direct = direct_entry(name);
        if (direct) name = direct;
    }
    if (signal_fd < 0) signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signal_fd < 0) return CT_NO_DESCRIPTOR;
    utf8 = take_locale();
    tcgetattr(STDIN_FILENO, &saved_mode);
    is_xterm_like = is_like_xterm(name);
    wants_mouse = 1;
    prepare_reset();
    /* before newterm: curses installs handlers of its own where it finds the default action */
    take_signals();
    set_escdelay(25);
    screen = newterm(name, stdout, stdin);
    if (!screen) {
        give_signals_back();
        return CT_UNKNOWN_TERMINAL;
    }
    taken = 1;
    cbreak();
    noecho();
    nonl();
    take_flow_control();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    leaveok(stdscr, TRUE);
    define_keys();
    modes_on();
    *out = (ct_terminal){.utf8 = utf8};
    take_colours(use_colour, out);
    out->colours = colours;
    ct_size(&out->columns, &out->rows);
    return CT_OK;
}

void ct_end(void) {
    if (!screen) return;
    if (taken) {
        modes_off();
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

void hand_over(void) {
    modes_off();
    endwin();
    taken = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_mode);
}

void take_back(void) {
    taken = 1;
    reset_prog_mode();
    clearok(curscr, TRUE);
    wrefresh(stdscr);
    curs_set(0);
    modes_on();
}

void ct_suspend(void) {
    hand_over();
    struct sigaction ours;
    struct sigaction plain = {0};
    plain.sa_handler = SIG_DFL;
    sigaction(SIGTSTP, &plain, &ours);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
    take_back();
}

void ct_resume(void) {
    if (screen) take_back();
}
