#define _GNU_SOURCE
#include "csystem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int cs_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int cs_reap_pidfd(int pidfd, int wait, cs_exit *out) {
    siginfo_t info;
    struct rusage usage;
    memset(&info, 0, sizeof info);
    memset(&usage, 0, sizeof usage);
    long result;
    do /* the system call, as glibc's waitid has no usage */
        result = syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | (wait ? 0 : WNOHANG), &usage);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -1;
    *out = (cs_exit){0};
    if (info.si_pid == 0) return 0;
    out->pid = info.si_pid;
    out->code = info.si_code == CLD_EXITED ? info.si_status : -1;
    out->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    out->max_rss_kib = usage.ru_maxrss;
    out->cpu_microseconds = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000
        + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    return 0;
}

/* MARK: what /proc says of a process */

static ssize_t read_whole(const char *path, char *buffer, size_t capacity) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    size_t count = 0;
    while (count < capacity) {
        ssize_t got = read(file, buffer + count, capacity - count);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            int failed = errno;
            close(file);
            errno = failed;
            return -1;
        }
        if (got == 0) break;
        count += (size_t)got;
    }
    close(file);
    return (ssize_t)count;
}

int cs_process_status(pid_t pid, cs_process *out) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    ssize_t count = read_whole(path, text, sizeof text - 1);
    if (count < 0) return -1;
    text[count] = 0;
    /* The command may hold spaces and parentheses: what follows its last ')' is plain. */
    char *rest = strrchr(text, ')');
    int parent;
    unsigned long long start;
    char state;
    if (!rest
        || sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
               &parent, &start) != 3) {
        errno = EPROTO;
        return -1;
    }
    *out = (cs_process){.pid = pid, .parent = parent, .start = start, .alive = state != 'Z' && state != 'X'};
    return 0;
}

int cs_boot_id(char out[37]) {
    ssize_t count = read_whole("/proc/sys/kernel/random/boot_id", out, 36);
    if (count != 36) {
        if (count >= 0) errno = EPROTO;
        return -1;
    }
    out[36] = 0;
    return 0;
}

/* Whether one entry of the environment `pid` was started with is exactly `marker`. Read in pieces: an environment
 * may be megabytes. */
static int is_marked(pid_t pid, const char *marker) {
    char path[32], piece[4096];
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    size_t matched = 0;   /* bytes of the marker matched in this entry */
    int matching = 1;     /* whether this entry can still be it */
    int found = 0;
    for (;;) {
        ssize_t got = read(file, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        for (ssize_t i = 0; i < got && !found; i++) {
            if (piece[i] == 0) {
                found = matching && marker[matched] == 0;
                matched = 0;
                matching = 1;
            } else if (matching) {
                matching = piece[i] == marker[matched];
                if (matching) matched++;
            }
        }
        if (found) break;
    }
    close(file);
    return found;
}

int cs_process_entry(pid_t pid, const char *prefix, char *rest, size_t capacity) {
    char path[32], piece[4096];
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    size_t matched = 0;   /* bytes of the prefix matched in this entry */
    size_t kept = 0;
    int matching = 1;     /* whether this entry can still be it */
    int found = 0, complete = 0, failed = 0;
    while (!complete) {
        ssize_t got = read(file, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) failed = errno;
        if (got <= 0) break;
        for (ssize_t i = 0; i < got && !complete; i++) {
            if (matching && !prefix[matched]) found = 1;
            if (piece[i] == 0) {
                complete = found;
                matched = 0;
                matching = 1;
            } else if (found) {
                if (kept + 1 < capacity) rest[kept++] = piece[i];
            } else if (matching) {
                matching = piece[i] == prefix[matched];
                if (matching) matched++;
            }
        }
    }
    close(file);
    if (capacity) rest[kept] = 0;
    if (found) return 1;
    errno = failed;
    return failed ? -1 : 0;
}

/* MARK: trees */

typedef struct {
    cs_process process;
    int belongs;
} candidate;

typedef struct {
    candidate *items;
    size_t count, capacity;
} candidates;

static int append(candidates *list, cs_process process) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 128;
        candidate *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return -1;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = (candidate){process, 0};
    return 0;
}

/* Every process that may belong: alive, not too old, neither the caller nor the root. */
static int list_processes(const cs_tree *tree, candidates *list) {
    pid_t self = getpid();
    DIR *proc = opendir("/proc");
    if (!proc) return -1;
    int failed = 0;
    struct dirent *entry;
    while (!failed && (entry = readdir(proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        cs_process process;
        if (cs_process_status((pid_t)atoi(entry->d_name), &process) < 0) continue;
        if (process.pid == self || process.pid == tree->root || process.pid == tree->namespace_init) continue;
        if (process.alive && process.start >= tree->since) failed = append(list, process);
    }
    int saved = errno;
    closedir(proc);
    errno = saved;
    return failed;
}

/* Marks the children of what belongs, and theirs, until nothing is added. */
static void mark_descendants(const cs_tree *tree, candidates *list) {
    for (int changed = 1; changed;) {
        changed = 0;
        for (size_t i = 0; i < list->count; i++) {
            candidate *it = &list->items[i];
            if (it->belongs) continue;
            int belongs = (tree->root != 0 && it->process.parent == tree->root)
                || (tree->namespace_init != 0 && it->process.parent == tree->namespace_init);
            for (size_t j = 0; !belongs && j < list->count; j++)
                belongs = list->items[j].belongs && list->items[j].process.pid == it->process.parent;
            if (belongs) it->belongs = changed = 1;
        }
    }
}

/* Signals a process after proving that the number still means the same one. 0 when it does not any more. */
static int signal_proven(const cs_process *process, int signal) {
    int pidfd = cs_pidfd_open(process->pid);
    if (pidfd < 0) return errno != ESRCH;
    cs_process now;
    int same = cs_process_status(process->pid, &now) == 0 && now.start == process->start && now.alive;
    if (same && cs_pidfd_send_signal(pidfd, signal) < 0) same = errno != ESRCH;
    close(pidfd);
    return same;
}

int cs_tree_signal(const cs_tree *tree, int signal) {
    candidates list = {0};
    if (list_processes(tree, &list) < 0) {
        int failed = errno;
        free(list.items);
        errno = failed;
        return -1;
    }
    for (size_t i = 0; i < list.count; i++) {
        const cs_process *process = &list.items[i].process;
        if (tree->leader != 0 && process->pid == tree->leader && process->start == tree->leader_start)
            list.items[i].belongs = 1;
    }
    mark_descendants(tree, &list);
    if (tree->marker) {
        int marked = 0;
        for (size_t i = 0; i < list.count; i++) {
            candidate *it = &list.items[i];
            if (!it->belongs && is_marked(it->process.pid, tree->marker)) it->belongs = marked = 1;
        }
        if (marked) mark_descendants(tree, &list);
    }
    int living = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].belongs) living += signal_proven(&list.items[i].process, signal);
    }
    free(list.items);
    return living;
}
