/* A list in ncurses and nothing else: `plainlist FILE` shows the file's lines, j and k move the selection. */
#define _GNU_SOURCE
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 100000 };
static char *lines[MOST];
static int count;

static int read_lines(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    char *line = NULL;
    size_t room = 0;
    while (count < MOST && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = 0;
        lines[count++] = strdup(line);
    }
    free(line);
    fclose(file);
    return count;
}

static void draw(int row, int selected) {
    attrset(row == selected ? A_REVERSE : A_NORMAL);
    mvprintw(row, 0, "%-*.*s", COLS - 1, COLS - 1, lines[row]);
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "");
    if (argc < 2 || read_lines(argv[1]) <= 0) return 2;
    initscr();
    raw();
    noecho();
    nodelay(stdscr, TRUE);
    curs_set(0);
    int selected = 0;
    for (int row = 0; row < LINES && row < count; row++) draw(row, selected);
    refresh();
    struct pollfd input = {.fd = 0, .events = POLLIN};
    while (poll(&input, 1, -1) > 0 && !(input.revents & POLLHUP)) {
        int key, old = selected;
        while ((key = getch()) != ERR) {
            if (key == 'q') goto end;
            if (key == 'j' && selected + 1 < count && selected + 1 < LINES) selected++;
            if (key == 'k' && selected > 0) selected--;
        }
        draw(old, selected);
        draw(selected, selected);
        refresh();
    }
end:
    endwin();
    return 0;
}
