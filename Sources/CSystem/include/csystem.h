/* Linux calls that Swift's Glibc module does not export, behind plain C types.
 * Every function returns -1 and sets errno on failure unless it says otherwise. */
#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/types.h>

/* What to start. `files[i]` becomes descriptor i of the child (-1: /dev/null); every other descriptor is
 * closed. The child starts with all signals unblocked and at their default action. */
typedef struct {
    const char *program;          /* a path; no search is made */
    char *const *arguments;       /* NULL-terminated, arguments[0] first */
    char *const *environment;     /* NULL-terminated */
    const char *directory;        /* working directory, or NULL for ours */
    const int *files;
    int file_count;
    int new_session;              /* nonzero: setsid() */
} cs_spawn_request;

/* Starts a child with posix_spawn. 0 and *pid on success, an errno value otherwise (errno itself is untouched). */
int cs_spawn(const cs_spawn_request *request, pid_t *pid);

/* What holds a child and all it starts, beyond its session. */
typedef struct {
    int into;               /* the open folder of a version 2 cgroup in which the child begins; 0: none */
    const int *groups;      /* open `cgroup.procs` files the child joins, in order, before it becomes its program */
    int group_count;
    int own_proc;           /* nonzero: a mount namespace of its own, whose /proc shows the child's PID namespace */
    int oom_score;          /* its oom_score_adj is raised to this; 0: left alone */
} cs_containment;

/* How far a child that could not be started had come. */
enum { CS_STEP_GROUP = 1, CS_STEP_PROC, CS_STEP_DIRECTORY, CS_STEP_EXEC };

/* As cs_spawn, for callers of one thread. The child dies with the caller. With a `program` of NULL it only waits to be
 * killed. On failure `*step` says what failed. */
int cs_spawn_contained(const cs_spawn_request *request, const cs_containment *containment, pid_t *pid, int *step);

/* Makes the children the caller starts from now on members of a new PID namespace. Its init, a child of the caller too,
 * does nothing but reap orphans; it dies with the caller, and the kernel kills every other member before it is reaped.
 * Needs CAP_SYS_ADMIN. */
int cs_enter_pid_namespace(pid_t *init);

/* A pidfd of `pid` (close-on-exec). Only sound for a child not yet reaped, or followed by a check of identity. */
int cs_pidfd_open(pid_t pid);
int cs_pidfd_send_signal(int pidfd, int signal);

/* How a reaped child ended. */
typedef struct {
    pid_t pid;      /* 0: nothing has ended yet (only with `wait` == 0) */
    int code;       /* exit code, or -1 when ended by a signal */
    int signal;     /* signal number, or 0 */
    int64_t max_rss_kib;
    int64_t cpu_microseconds;   /* user + system of the child and the descendants it waited for */
} cs_exit;

/* Reaps the child `pid`; `wait` zero does not block. */
int cs_reap(pid_t pid, int wait, cs_exit *out);
/* Reaps any one child. -1 with ECHILD when there is none. */
int cs_reap_any(int wait, cs_exit *out);

/* Reaps the child a pidfd stands for, and no other, whatever became of its number. -1 with ECHILD when it is not ours. */
int cs_reap_pidfd(int pidfd, int wait, cs_exit *out);

/* Makes the caller inherit the orphans among its descendants. */
int cs_become_subreaper(void);

/* A pipe whose ends are close-on-exec. */
int cs_pipe(int *read_end, int *write_end);

/* One process, as /proc shows it. `pid` and `start` together name it until the machine restarts. */
typedef struct {
    pid_t pid;
    pid_t parent;
    uint64_t start;     /* clock ticks from the machine's start to the process's (field 22 of /proc/PID/stat) */
    int alive;          /* zero: it has ended and waits to be reaped */
} cs_process;
int cs_process_status(pid_t pid, cs_process *out);

/* Looks in the environment `pid` was started with for an entry that begins with `prefix`. Its rest goes to `rest`, as
 * far as `capacity` allows, and is ended by a NUL. 1: found; 0: there is none; -1: it cannot be read. */
int cs_process_entry(pid_t pid, const char *prefix, char *rest, size_t capacity);

/* The id of this start of the machine, 36 characters and a NUL. */
int cs_boot_id(char out[37]);

/* The processes of a run: the descendants of `root` and `namespace_init`, the process `leader`, every process whose environment holds the
 * entry `marker`, and the descendants of those. Neither the caller nor `root` nor `namespace_init` belongs. */
typedef struct {
    pid_t root;             /* 0: none */
    pid_t namespace_init;   /* 0: none; of the run's PID namespace: its children belong, itself does not */
    pid_t leader;           /* 0: none; belongs only if it started at `leader_start` */
    uint64_t leader_start;
    const char *marker;     /* NAME=value, or NULL */
    uint64_t since;         /* what started before this (see cs_process.start) does not belong */
} cs_tree;

/* Sends `signal` (0: none) to the living processes of the tree, each proven by its start time through a pidfd, and says
 * how many they were. One pass: what forks meanwhile is found by the next one. Linear in the machine's processes. */
int cs_tree_signal(const cs_tree *tree, int signal);

/* Whether a file's extended attribute `name` is exactly `value`. */
int cs_attribute_is(const char *path, const char *name, const char *value);

/* The CPU time of everything below `root`, living or waited for. */
typedef struct {
    pid_t root;
    uint64_t start;             /* of the root; see cs_process */
    int64_t cpu_microseconds;   /* out; -1 when the root is not there */
} cs_tree_cpu;

/* Fills in the CPU time of several trees in one pass over the machine's processes. The roots' own does not count. It
 * never shrinks while the root takes in the orphans of its tree. In steps of a clock tick, mostly 10 ms. */
int cs_cpu_of_trees(cs_tree_cpu *trees, size_t count);

/* When something in the folder `path`, or below it, changed last, in milliseconds since 1970: the latest change time,
 * which no program can set. Follows no link and leaves out other file systems. Linear in the number of entries. */
int cs_newest_change(const char *path, int64_t *milliseconds);

/* The file system of a path: its number in statfs(2), and how many files it can hold (0: it has no limit) and has room
 * for. */
typedef struct { uint32_t kind; uint64_t files, free_files; } cs_file_system;
int cs_file_system_of(const char *path, cs_file_system *out);

/* Renames a file to a name that nothing has: EEXIST where something has it, whatever that is. */
int cs_rename_new(const char *from, const char *to);

/* Whether somebody has the regular file of a descriptor, opened for reading, open for writing. 0 also where it cannot be
 * told: the file is another user's, or its file system knows no leases. */
int cs_has_writer(int descriptor);

/* Sets how many descriptors this process may have, at most as many as it may set, and says how many that is now and was
 * before. */
int cs_limit_descriptors(uint64_t wanted, uint64_t *before, uint64_t *now);

/* How many descriptors this process may at most raise its limit to; 0 where that cannot be told. */
uint64_t cs_most_descriptors(void);

/* Accepts one connection, non-blocking and close-on-exec. */
int cs_accept(int listener);

typedef struct { pid_t pid; uid_t uid; gid_t gid; } cs_peer;
int cs_peer_credentials(int socket, cs_peer *out);
/* A pidfd of the process that connected, which no other can be mistaken for; -1 where the kernel has none to give
 * (before 6.5: ENOPROTOOPT), or that process has ended and been reaped (ESRCH, EINVAL). */
int cs_peer_pidfd(int socket);

/* The calling thread's id. */
pid_t cs_thread_id(void);
/* Names the calling thread, for ps and debuggers; 15 bytes count. */
void cs_name_thread(const char *name);

/* Columns a character takes on a terminal in the present locale; -1 when it cannot be printed. */
int cs_columns(uint32_t scalar);

/* A fault point: a place in the program where, in tests, it is killed or stopped. Nothing is armed, and passing one costs
 * a load and a branch, unless cs_fault_arm has been called. */
extern int cs_fault_armed;
static inline int cs_fault_is_armed(void) { return cs_fault_armed; }
/* Arms the point that `text` (`NAME[:N][:stop]`) names: the N-th time it is passed (the first, if none is given) the
 * process gets SIGKILL, or SIGSTOP. With `once`, a path, it strikes only if it can make that file: at most once in all
 * processes that are given the same. To be called before there are other threads. 0, or EINVAL. */
int cs_fault_arm(const char *text, const char *once);
/* The name that cs_fault_arm has read; empty before. */
const char *cs_fault_name(void);
void cs_fault_pass(const char *point);

/* Memory. The allocator keeps what was freed between what is in use, in as many places as there have been threads at once;
 * with the first, to be called before there are other threads, in two places, and what is large in none. The second gives
 * back whole pages that are free; it takes less than a millisecond for 20 MiB. */
void cs_memory_bound(void);
void cs_memory_give_back(void);

/* The commit this program was stamped with (see scripts/stamp.sh), ended by a NUL; empty where it was not. */
void cs_stamped_commit(char out[64]);

/* write(2) to standard error, for code that may not use stdio. */
void cs_write_error(const char *bytes, size_t count);

#endif
