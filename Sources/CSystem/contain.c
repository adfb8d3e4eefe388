/* Starting a program inside what is to contain it. For single-threaded callers alone: unlike cs_spawn this forks, since
 * what the child has to do before it becomes the program cannot be said to posix_spawn. */
#define _GNU_SOURCE
#include "csystem.h"
#include "lift.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
    int step, code;
} failure;

/* What the caller ignores is not ignored by the program. */
static void reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
}

/* Never lowers it: that would need a privilege, and be the opposite of what is meant. */
static void raise_oom_score(int wanted) {
    char text[16];
    int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    ssize_t count = read(file, text, sizeof text - 1);
    text[count > 0 ? count : 0] = 0;
    if (atoi(text) < wanted) {
        int length = snprintf(text, sizeof text, "%d", wanted);
        ssize_t written = pwrite(file, text, (size_t)length, 0);
        (void)written; /* then it stays as it is, which is no reason not to run */
    }
    close(file);
}

/* A view of the mounts whose /proc shows the PID namespace we are in; what is mounted outside still appears here. */
static int own_proc(void) {
    if (unshare(CLONE_NEWNS) < 0) return -1;
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) return -1;
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static failure become(const cs_spawn_request *request, const cs_containment *containment, const int *lifted, int null,
    int report, pid_t parent) {
    /* What the fence cannot see yet, a child that is neither in its group nor marked, must not outlive its runner. It
     * goes on holding for the program, whose runner's death is its own end in any case. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A parent outside our PID namespace shows as 0; then the namespace dies with it. */
    pid_t now = getppid();
    if (now != parent && now != 0) _exit(1);
    reset_signals();
    for (int i = 0; i < containment->group_count; i++)
        if (write(containment->groups[i], "0", 1) < 0) return (failure){CS_STEP_GROUP, errno};
    if (containment->oom_score > 0) raise_oom_score(containment->oom_score);
    if (containment->own_proc && own_proc() < 0) return (failure){CS_STEP_PROC, errno};
    if (request->new_session) setsid();
    if (!request->program) {
        close(report);
        for (;;) pause();
    }
    /* After the mounts: a directory entered before would be that of the old view. */
    if (request->directory && chdir(request->directory) < 0) return (failure){CS_STEP_DIRECTORY, errno};
    for (int i = 0; i < request->file_count; i++)
        if (dup2(lifted[i] < 0 ? null : lifted[i], i) < 0) return (failure){CS_STEP_EXEC, errno};
    /* `report` is among these, and closes by itself when the program begins. */
    if (close_range((unsigned)request->file_count, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return (failure){CS_STEP_EXEC, errno};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(request->program, request->arguments, request->environment);
    return (failure){CS_STEP_EXEC, errno};
}

/* fork, into a cgroup at once. Joining one afterwards makes the kernel wait for all processors, some ten milliseconds. */
static pid_t fork_into(int group) {
    if (group == 0) return fork();
    struct clone_args arguments = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned long long)group};
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

int cs_spawn_contained(const cs_spawn_request *request, const cs_containment *containment, pid_t *pid, int *step) {
    if (request->file_count < 0 || request->file_count > CS_MOST_FILES) return EINVAL;
    *step = CS_STEP_EXEC;
    int lifted[CS_MOST_FILES], null, ends[2] = {-1, -1};
    int failed = cs_lift(request, lifted, &null);
    if (!failed && pipe2(ends, O_CLOEXEC) < 0) failed = errno;
    if (!failed) {
        /* No signal may find the child with the caller's handlers. */
        sigset_t all, before;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before);
        pid_t parent = getpid();
        pid_t child = fork_into(containment->into);
        if (child == 0) {
            /* Above what it will be given. */
            int report = fcntl(ends[1], F_DUPFD_CLOEXEC, request->file_count);
            close(ends[1]);
            failure why = become(request, containment, lifted, null, report, parent);
            ssize_t written = write(report, &why, sizeof why);
            (void)written;
            _exit(127);
        }
        if (child < 0) {
            failed = errno;
            if (containment->into) *step = CS_STEP_GROUP;
        }
        sigprocmask(SIG_SETMASK, &before, NULL);
        close(ends[1]);
        failure why;
        if (!failed && read(ends[0], &why, sizeof why) == sizeof why) {
            failed = why.code;
            *step = why.step;
            cs_exit exit;
            cs_reap(child, 1, &exit);
        }
        if (!failed) *pid = child;
    }
    if (ends[0] >= 0) close(ends[0]);
    cs_lower(request, lifted, null);
    return failed;
}

/* Does nothing but hold the namespace: what is orphaned in it is reaped by the kernel, as nobody wants its status. */
static _Noreturn void hold_namespace(int life) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "orch-init", 0, 0, 0);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_IGN);
    setsid();
    dup2(life, 0);
    close_range(1, ~0U, 0);
    char byte;
    /* Ends when the caller does, had that happened even before we asked to be told. */
    while (read(0, &byte, 1) < 0 && errno == EINTR) {}
    _exit(0);
}

int cs_enter_pid_namespace(pid_t *init) {
    int life[2];
    if (pipe2(life, O_CLOEXEC) < 0) return -1;
    int failed = unshare(CLONE_NEWPID) < 0 ? errno : 0;
    if (!failed) {
        *init = fork();
        if (*init == 0) hold_namespace(life[0]);
        if (*init < 0) failed = errno;
    }
    close(life[0]);
    /* The other end stays open for as long as we live. */
    if (failed) close(life[1]);
    errno = failed;
    return failed ? -1 : 0;
}
