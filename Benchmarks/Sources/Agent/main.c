/* The agent that is measured: its first instruction notes the time, so that the file says when it came to run.
 *
 *   agent FOLDER [work]
 *
 * writes CLOCK_MONOTONIC in nanoseconds into FOLDER/$ORCH_TICKET; with `work` it also leaves a file of the ticket's
 * name in the working directory, so that there is something to land. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int put(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return -1;
    ssize_t length = (ssize_t)strlen(text);
    int failed = write(file, text, (size_t)length) != length;
    return close(file) || failed ? -1 : 0;
}

int main(int count, char **arguments) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const char *ticket = getenv("ORCH_TICKET");
    if (count < 2 || !ticket) {
        fputs("usage: ORCH_TICKET=T-1 agent FOLDER [work]\n", stderr);
        return 64;
    }
    char path[4096], text[32];
    snprintf(path, sizeof path, "%s/%s", arguments[1], ticket);
    snprintf(text, sizeof text, "%lld\n", (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
    if (put(path, text) < 0) {
        perror(path);
        return 1;
    }
    if (count > 2 && strcmp(arguments[2], "work") == 0) {
        snprintf(path, sizeof path, "%s.txt", ticket);
        if (put(path, text) < 0) {
            perror(path);
            return 1;
        }
    }
    return 0;
}
