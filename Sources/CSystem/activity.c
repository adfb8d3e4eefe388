#define _GNU_SOURCE
#include "csystem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* MARK: CPU time */

typedef struct {
    pid_t pid, parent;
    uint64_t start;
    int64_t own, waited_for;   /* ticks */
} usage;

static int read_usage(const char *pid, usage *out) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return -1;
    text[count] = 0;
    char *rest = strrchr(text, ')');
    unsigned long long start;
    unsigned long user, system;
    long waited_user, waited_system;
    int parent;
    if (!rest
        || sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %*d %*d %llu", &parent,
               &user, &system, &waited_user, &waited_system, &start) != 6)
        return -1;
    *out = (usage){
        .pid = (pid_t)atoi(pid),
        .parent = parent,
        .start = start,
        .own = (int64_t)(user + system),
        .waited_for = (int64_t)(waited_user + waited_system),
    };
    return 0;
}

static int by_pid(const void *a, const void *b) {
    pid_t left = ((const usage *)a)->pid, right = ((const usage *)b)->pid;
    return (left > right) - (left < right);
}

/* Every process, by pid. NULL when there is no memory, or no /proc. */
static usage *list_usages(size_t *count) {
    DIR *proc = opendir("/proc");
    if (!proc) return NULL;
    size_t capacity = 512;
    usage *list = malloc(capacity * sizeof *list);
    *count = 0;
    struct dirent *entry;
    while (list && (entry = readdir(proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        if (*count == capacity) {
            usage *larger = realloc(list, (capacity *= 2) * sizeof *list);
            if (!larger) {
                free(list);
                list = NULL;
                errno = ENOMEM;
                break;
            }
            list = larger;
        }
        if (read_usage(entry->d_name, &list[*count]) == 0) (*count)++;
    }
    int saved = errno;
    closedir(proc);
    errno = saved;
    if (list) qsort(list, *count, sizeof *list, by_pid);
    return list;
}

/* The tree a process is in, going up from it; NULL when it is in none, or is a root itself. */
static cs_tree_cpu *tree_of(const usage *process, const usage *list, size_t count, cs_tree_cpu *trees, size_t tree_count) {
    /* What was read at different moments could name each other as parents. */
    for (int depth = 0; process && depth < 4096; depth++) {
        for (size_t i = 0; i < tree_count; i++)
            if (trees[i].cpu_microseconds >= 0 && trees[i].root == process->parent) return &trees[i];
        usage key = {.pid = process->parent};
        process = process->parent > 1 ? bsearch(&key, list, count, sizeof *list, by_pid) : NULL;
    }
    return NULL;
}

int cs_cpu_of_trees(cs_tree_cpu *trees, size_t tree_count) {
    size_t count;
    usage *list = list_usages(&count);
    if (!list) return -1;
    int64_t tick = 1000000 / sysconf(_SC_CLK_TCK);
    for (size_t i = 0; i < tree_count; i++) {
        usage key = {.pid = trees[i].root};
        usage *root = bsearch(&key, list, count, sizeof *list, by_pid);
        trees[i].cpu_microseconds = root && root->start == trees[i].start ? root->waited_for * tick : -1;
    }
    for (size_t i = 0; i < count; i++) {
        cs_tree_cpu *tree = tree_of(&list[i], list, count, trees, tree_count);
        if (tree) tree->cpu_microseconds += (list[i].own + list[i].waited_for) * tick;
    }
    free(list);
    return 0;
}

/* MARK: files */

int cs_newest_change(const char *path, int64_t *milliseconds) {
    char *paths[] = {(char *)path, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    if (!walk) return -1;
    int64_t newest = -1;
    FTSENT *entry;
    while ((entry = fts_read(walk))) {
        /* Of a folder, once; what vanishes meanwhile, or may not be read, is passed over. */
        if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS || entry->fts_info == FTS_ERR) continue;
        const struct timespec *changed = &entry->fts_statp->st_ctim;
        int64_t moment = (int64_t)changed->tv_sec * 1000 + changed->tv_nsec / 1000000;
        if (moment > newest) newest = moment;
    }
    fts_close(walk);
    if (newest < 0) {
        errno = ENOENT;
        return -1;
    }
    *milliseconds = newest;
    return 0;
}
