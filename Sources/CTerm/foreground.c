#include "state.h"

#include <errno.h>
#include <fcntl.h>
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

/* In the child: its group, the foreground, its folder, its descriptors; then it is the program. Only what may be called
 * between fork and exec. */
static void become(const ct_foreground *request, int report) {
    setpgid(0, 0);
    tcsetpgrp(STDIN_FILENO, getpgrp());
    struct sigaction plain = {0};
    plain.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &plain, NULL);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    if (!request->directory || chdir(request->directory) == 0) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvpe(request->program, request->arguments, request->environment);
    }
    int failed = errno;
    write_all(report, (const char *)&failed, sizeof failed);
    _exit(127);
}

/* Not posix_spawn, which waits for the program: a Ctrl-Z before that would stop the child, and nobody could continue it.
 * `report` has an errno value, once the child has ended, where it never became the program. */
static int start(const ct_foreground *request, pid_t *pid, int *report) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *pid = fork();
    int failed = *pid < 0 ? errno : 0;
    if (*pid == 0) become(request, ends[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    *report = ends[0];
    if (failed) close(ends[0]);
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
    int report, reason;
    int failed = start(request, &pid, &report);
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
        if (read(report, &reason, sizeof reason) == sizeof reason) failed = reason;
        close(report);
    }
    /* A failed start may have come after the child chose itself. */
    choose_foreground(getpgrp());
    if (was_taken) take_back();
    return failed;
}
