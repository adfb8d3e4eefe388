/* posix_spawn with a working directory, which Swift's Glibc module does not export. */
#ifndef CMEASURING_H
#define CMEASURING_H

#include <sys/types.h>

/* `directory` may be NULL. 0 and *pid, or an errno value. */
int cm_spawn(pid_t *pid, const char *directory, char *const *arguments, char *const *environment);

#endif
