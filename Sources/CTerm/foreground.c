#include "state.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

volatile sig_atomic_t lent_to;

/* Only the terminal's foreground process group may choose another one; others are stopped for trying, unless they
 * leave the signal for that blocked. */
static void choose_foreground(pid_t group) {
    sigset_t output, before;
    sigemptyset(&output);
    sigaddset(&output, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &output, &before);
    tcsetpgrp(STDIN_FILENO, group);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* In the child, before it becomes the program: its group, the foreground, its folder, its descriptors. */
static int start(const ct_foreground *request, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    if ((failed = posix_spawnattr_init(&attributes))) {
        posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    failed = posix_spawn_file_actions_addtcsetpgrp_np(&actions, STDIN_FILENO);
    if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (!failed && request->directory) failed = posix_spawn_file_actions_addchdir_np(&actions, request->directory);
    if (!failed)
        failed = posix_spawnp(pid, request->program, &actions, &attributes, request->arguments, request->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* The program was stopped: so are we, with everything in our own process group, and both go on together. Where nobody
 * could continue us, the kernel leaves this out, and the program goes on at once. */
static void stop_along(pid_t group) {
    struct sigaction plain = {0}, ours;
    plain.sa_handler = SIG_DFL;
    choose_foreground(getpgrp());
    sigaction(SIGTSTP, &plain, &ours);
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
    choose_foreground(group);
    kill(-group, SIGCONT);
}

int ct_lend(const ct_foreground *request, int *status) {
    int was_taken = taken;
    if (was_taken) hand_over();
    pid_t pid;
    int failed = start(request, &pid);
    if (!failed) {
        lent_to = pid;
        for (;;) {
            pid_t got = waitpid(pid, status, WUNTRACED);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) failed = errno;
            if (got < 0 || !WIFSTOPPED(*status)) break;
            stop_along(pid);
        }
        lent_to = 0;
    }
    /* A failed start may have come after the child chose itself. */
    choose_foreground(getpgrp());
    if (was_taken) take_back();
    return failed;
}
