#define _GNU_SOURCE
#include "cmeasuring.h"

#include <spawn.h>
#include <stddef.h>

int cm_spawn(pid_t *pid, const char *directory, char *const *arguments, char *const *environment) {
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    if (directory) failed = posix_spawn_file_actions_addchdir_np(&actions, directory);
    if (!failed) failed = posix_spawn(pid, arguments[0], &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}
