/* What Swift's Glibc module does not export: a working directory for posix_spawn, and terminals. */
#ifndef CMEASURING_H
#define CMEASURING_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

/* `directory` may be NULL. With a `terminal`, the program has that one alone, in a session of its own; else ours.
   0 and *pid, or an errno value. */
int cm_spawn(pid_t *pid, const char *directory, const char *terminal, char *const *arguments, char *const *environment);

/* A new terminal of that size: the descriptor of its other end, and its name; -1 and errno. */
int cm_terminal(int columns, int rows, char *name, size_t room);

/* poll(2) with a time in nanoseconds. */
int cm_poll(struct pollfd *descriptors, size_t count, long long nanoseconds);

#endif
