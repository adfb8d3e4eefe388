#include "state.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

/* MARK: Keys
 * curses collects the bytes of a key sequence; the sequences it has no name for get codes of our own. */

enum {
    OWN_PASTE_START = KEY_MAX + 1, OWN_PASTE_END, OWN_MOUSE, OWN_OLD_MOUSE, OWN_FOCUS, OWN_BACKGROUND,
    OWN_CONTROL_UP, OWN_CONTROL_DOWN, OWN_CONTROL_LEFT, OWN_CONTROL_RIGHT,
};

/* As this terminal's entry has it, and as nearly all terminals do. */
static void define(const char *capability, const char *common, int code) {
    const char *own = tigetstr(capability);
    if (own && own != (char *)-1) define_key(own, code);
    define_key(common, code);
}

void define_keys(void) {
    define("PS", "\033[200~", OWN_PASTE_START);
    define("PE", "\033[201~", OWN_PASTE_END);
    define("kUP5", "\033[1;5A", OWN_CONTROL_UP);
    define("kDN5", "\033[1;5B", OWN_CONTROL_DOWN);
    define("kRIT5", "\033[1;5C", OWN_CONTROL_RIGHT);
    define("kLFT5", "\033[1;5D", OWN_CONTROL_LEFT);
    define_key("\033[Z", KEY_BTAB);
    if (!is_xterm_like) return;
    /* Mouse reports are read here and not by curses, which knows the form without a limit of columns only where the
     * terminfo entry tells of it, and makes clicks of what is a press and a release. */
    define_key("\033[<", OWN_MOUSE);
    define_key("\033[M", OWN_OLD_MOUSE);
    define_key("\033[I", OWN_FOCUS);
    define_key("\033[O", OWN_FOCUS);
    define_key("\033]11;", OWN_BACKGROUND);
}

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
    case KEY_IC: return CT_KEY_INSERT;
    case KEY_DC: return CT_KEY_DELETE;
    case OWN_CONTROL_UP: return CT_KEY_CONTROL_UP;
    case OWN_CONTROL_DOWN: return CT_KEY_CONTROL_DOWN;
    case OWN_CONTROL_LEFT: return CT_KEY_CONTROL_LEFT;
    case OWN_CONTROL_RIGHT: return CT_KEY_CONTROL_RIGHT;
    case OWN_PASTE_START: return CT_KEY_PASTE_START;
    case OWN_PASTE_END: return CT_KEY_PASTE_END;
    default: return 0;
    }
}

/* MARK: Reports
 * What follows the beginning of a report is collected here, over as many calls as it takes to arrive. */

static wint_t report;       /* its beginning, one of OWN_…; 0: none is being read */
static char collected[64];
static size_t collected_count;

static ct_event mouse_event(unsigned button, int x, int y, int is_release) {
    ct_event event = {.kind = CT_MOUSE, .x = x - 1, .y = y - 1};
    /* 4 Shift, 8 Alt, 16 Control are of no use here; 32 is motion. */
    switch (button & ~(4u | 8u | 16u)) {
    case 0: event.code = is_release ? CT_MOUSE_RELEASE : CT_MOUSE_PRESS; break;
    case 32: event.code = CT_MOUSE_DRAG; break;
    case 3: event.code = CT_MOUSE_RELEASE; break;   /* the old form does not tell which button */
    case 64: event.code = CT_MOUSE_WHEEL_UP; break;
    case 65: event.code = CT_MOUSE_WHEEL_DOWN; break;
    default: event.kind = CT_OTHER;
    }
    return event;
}

/* `BUTTON;X;Y` and `M` or `m`. */
static ct_event read_mouse(char end) {
    unsigned button;
    int x, y, used = 0;
    collected[collected_count] = 0;
    if (sscanf(collected, "%5u;%5d;%5d%n", &button, &x, &y, &used) != 3 || (size_t)used != collected_count
        || (end != 'M' && end != 'm'))
        return (ct_event){.kind = CT_OTHER};
    return mouse_event(button, x, y, end == 'm');
}

/* `rgb:RRRR/GGGG/BBBB`, each of one to four digits. */
static ct_event read_background(void) {
    unsigned parts[3];
    int ends[3] = {0};
    collected[collected_count] = 0;
    if (sscanf(collected, "rgb:%4x/%n%4x/%n%4x%n", &parts[0], &ends[0], &parts[1], &ends[1], &parts[2], &ends[2]) != 3
        || (size_t)ends[2] != collected_count)
        return (ct_event){.kind = CT_OTHER};
    int digits[3] = {ends[0] - 5, ends[1] - ends[0] - 1, ends[2] - ends[1]};
    uint32_t colour = 0;
    for (int i = 0; i < 3; i++) colour = colour << 8 | parts[i] * 255 / ((1u << (4 * digits[i])) - 1);
    return (ct_event){.kind = CT_BACKGROUND, .code = colour};
}

/* Takes the next character of a report. CT_NONE: more must come. A malformed one is read to its end, too, so that no key
 * is made of the rest of it. */
static ct_event continue_report(wint_t character) {
    wint_t kind = report;
    int is_end = kind == OWN_MOUSE ? character >= 0x40 : kind == OWN_BACKGROUND && (character == 7 || character == '\\');
    if (!is_end && collected_count + 1 < sizeof collected) {
        /* an ESC only begins the end of an answer */
        if (kind != OWN_BACKGROUND || character != 27)
            collected[collected_count++] = character < 127 ? (char)character : '?';
        if (kind != OWN_OLD_MOUSE || collected_count < 3) return (ct_event){.kind = CT_NONE};
    }
    report = 0;
    switch (kind) {
    case OWN_MOUSE: return read_mouse((char)character);
    case OWN_BACKGROUND: return read_background();
    default: return mouse_event((unsigned)collected[0] - 32, collected[1] - 32, collected[2] - 32, 0);
    }
}

void ct_ask_background(void) {
    static const char question[] = "\033]11;?\033\\";
    ct_control(question, sizeof question - 1);
}

/* MARK: Events */

static int terminal_is_gone(void) {
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&terminal, 1, 0) <= 0) return 0;
    if (terminal.revents & (POLLHUP | POLLERR | POLLNVAL)) return 1;
    /* readable, and yet curses found nothing: end of file, or half a sequence */
    int waiting = 0;
    return ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0;
}

/* An ESC with a character right behind it is that character with Alt held; a person's finger is slower. */
static ct_event escape_or_alt(void) {
    wint_t next;
    int kind = get_wch(&next);
    if (kind == OK && next > 32 && next != 127) return (ct_event){.kind = CT_ALT, .code = (uint32_t)next};
    if (kind == OK) unget_wch((wchar_t)next);
    else if (kind == KEY_CODE_YES) ungetch((int)next);
    return (ct_event){.kind = CT_CHARACTER, .code = 27};
}

/* What is not part of a report. */
static ct_event plain_event(int kind, wint_t code) {
    if (kind != KEY_CODE_YES)
        return code == 27 ? escape_or_alt() : (ct_event){.kind = CT_CHARACTER, .code = (uint32_t)code};
    if (code > KEY_F(0) && code <= KEY_F(12))
        return (ct_event){.kind = CT_FUNCTION, .code = (uint32_t)(code - KEY_F(0))};
    uint32_t key = named_key(code);
    return (ct_event){.kind = key ? CT_KEY : CT_OTHER, .code = key};
}

ct_event ct_next_event(void) {
    for (;;) {
        wint_t code;
        int kind = get_wch(&code);
        if (kind == ERR) return (ct_event){.kind = terminal_is_gone() ? CT_LOST : CT_NONE};
        if (report && kind == OK) {
            ct_event event = continue_report(code);
            if (event.kind != CT_NONE) return event;
        } else if (kind == KEY_CODE_YES && (code == OWN_MOUSE || code == OWN_OLD_MOUSE || code == OWN_BACKGROUND)) {
            report = code;
            collected_count = 0;
        } else {
            report = 0;
            return plain_event(kind, code);
        }
    }
}
