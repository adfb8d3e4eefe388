#define _GNU_SOURCE
#include "cmeasuring.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The first terminal that the leader of a session opens is its own. */
static int take_terminal(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, const char *terminal) {
    int failed = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID);
    if (!failed) failed = posix_spawn_file_actions_addopen(actions, 0, terminal, O_RDWR, 0);
    if (!failed) failed = posix_spawn_file_actions_adddup2(actions, 0, 1);
    if (!failed) failed = posix_spawn_file_actions_adddup2(actions, 0, 2);
    return failed;
}

int cm_spawn(pid_t *pid, const char *directory, const char *terminal, char *const *arguments,
             char *const *environment) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        if (directory) failed = posix_spawn_file_actions_addchdir_np(&actions, directory);
        if (!failed && terminal) failed = take_terminal(&actions, &attributes, terminal);
        if (!failed) failed = posix_spawn(pid, arguments[0], &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

int cm_terminal(int columns, int rows, char *name, size_t room) {
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0) return -1;
    if (grantpt(master) == 0 && unlockpt(master) == 0 && ptsname_r(master, name, room) == 0 &&
        ioctl(master, TIOCSWINSZ, &size) == 0)
        return master;
    int failure = errno;
    close(master);
    errno = failure;
    return -1;
}

int cm_poll(struct pollfd *descriptors, size_t count, long long nanoseconds) {
    struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return ppoll(descriptors, count, &time, NULL);
}
