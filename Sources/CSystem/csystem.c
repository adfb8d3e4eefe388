#define _GNU_SOURCE
#include "csystem.h"
#include "lift.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <wchar.h>

int cs_lift(const cs_spawn_request *request, int *lifted, int *null) {
    *null = -1;
    for (int i = 0; i < request->file_count; i++) lifted[i] = -1;
    for (int i = 0; i < request->file_count; i++) {
        int source = request->files[i];
        if (source < 0) {
            if (*null < 0) {
                int opened = open("/dev/null", O_RDWR | O_CLOEXEC);
                if (opened < 0) return errno;
                *null = fcntl(opened, F_DUPFD_CLOEXEC, request->file_count);
                int failed = errno;
                close(opened);
                if (*null < 0) return failed;
            }
            continue;
        }
        lifted[i] = fcntl(source, F_DUPFD_CLOEXEC, request->file_count);
        if (lifted[i] < 0) return errno;
    }
    return 0;
}

void cs_lower(const cs_spawn_request *request, const int *lifted, int null) {
    for (int i = 0; i < request->file_count; i++)
        if (lifted[i] >= 0) close(lifted[i]);
    if (null >= 0) close(null);
}

static int spawn_lifted(const cs_spawn_request *request, const int *lifted, int null, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed) {
        posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (request->new_session) flags |= POSIX_SPAWN_SETSID;
    if (!failed) failed = posix_spawnattr_setsigmask(&attributes, &none);
    if (!failed) failed = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!failed) failed = posix_spawnattr_setflags(&attributes, flags);
    for (int i = 0; !failed && i < request->file_count; i++)
        failed = posix_spawn_file_actions_adddup2(&actions, lifted[i] < 0 ? null : lifted[i], i);
    if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(&actions, request->file_count);
    if (!failed && request->directory)
        failed = posix_spawn_file_actions_addchdir_np(&actions, request->directory);
    if (!failed)
        failed = posix_spawn(pid, request->program, &actions, &attributes, request->arguments, request->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

int cs_spawn(const cs_spawn_request *request, pid_t *pid) {
    if (request->file_count < 0 || request->file_count > CS_MOST_FILES) return EINVAL;
    int saved = errno;
    int lifted[CS_MOST_FILES], null;
    int failed = cs_lift(request, lifted, &null);
    if (!failed) failed = spawn_lifted(request, lifted, null, pid);
    cs_lower(request, lifted, null);
    errno = saved;
    return failed;
}

int cs_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int cs_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static int reap(pid_t pid, int wait, cs_exit *out) {
    int status;
    struct rusage usage;
    pid_t reaped;
    do reaped = wait4(pid, &status, (wait ? 0 : WNOHANG) | __WALL, &usage);
    while (reaped < 0 && errno == EINTR);
    if (reaped < 0) return -1;
    *out = (cs_exit){0};
    if (reaped == 0) return 0;
    out->pid = reaped;
    out->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    out->max_rss_kib = usage.ru_maxrss;
    out->cpu_microseconds = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000
        + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    return 0;
}

int cs_reap(pid_t pid, int wait, cs_exit *out) { return reap(pid, wait, out); }
int cs_reap_any(int wait, cs_exit *out) { return reap(-1, wait, out); }

int cs_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int cs_attribute_is(const char *path, const char *name, const char *value) {
    char found[64];
    ssize_t count = getxattr(path, name, found, sizeof found);
    return count >= 0 && (size_t)count == strlen(value) && memcmp(found, value, (size_t)count) == 0;
}

uint64_t cs_most_descriptors(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : 0;
}

int cs_file_system_of(const char *path, cs_file_system *out) {
    struct statfs system;
    if (statfs(path, &system) != 0) return -1;
    out->kind = (uint32_t)system.f_type;
    out->files = system.f_files;
    out->free_files = system.f_ffree;
    return 0;
}

int cs_rename_new(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    /* A file system that knows no such flag: a link does as well, in two steps. */
    if (link(from, to) < 0) return -1;
    return unlink(from);
}

int cs_has_writer(int descriptor) {
    /* A lease on reading is given where nobody writes. Whoever opens it meanwhile waits for these few instructions; the
     * signal we would be sent for it is one that does nothing, where SIGIO would end us. */
    fcntl(descriptor, F_SETSIG, SIGURG);
    if (fcntl(descriptor, F_SETLEASE, F_RDLCK) < 0) return errno == EAGAIN;
    fcntl(descriptor, F_SETLEASE, F_UNLCK);
    return 0;
}

int cs_limit_descriptors(uint64_t wanted, uint64_t *before, uint64_t *now) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
    *before = *now = limit.rlim_cur;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
    *now = limit.rlim_cur;
    return 0;
}

int cs_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int cs_peer_credentials(int socket, cs_peer *out) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -1;
    *out = (cs_peer){credentials.pid, credentials.uid, credentials.gid};
    return 0;
}

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int cs_peer_pidfd(int socket) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    return getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0 ? -1 : pidfd;
}

pid_t cs_thread_id(void) { return (pid_t)syscall(SYS_gettid); }

void cs_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

void cs_write_error(const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(2, bytes, count);
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

int cs_columns(uint32_t scalar)
{
    return wcwidth((wchar_t)scalar);
}
