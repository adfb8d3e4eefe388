#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cs_fault_armed;

/* Written by cs_fault_arm alone, before any other thread can reach a point. */
static char name[64];
static int action = SIGKILL;
static const char *mark;
static atomic_int passes_left;

int cs_fault_arm(const char *text, const char *once) {
    size_t length = strcspn(text, ":");
    const char *rest = text + length;
    char *end;
    long count = 1;
    if (length == 0 || length >= sizeof name) return EINVAL;
    memcpy(name, text, length);
    name[length] = 0;
    if (*rest == ':' && rest[1] >= '0' && rest[1] <= '9') {
        count = strtol(rest + 1, &end, 10);
        if (count < 1 || count > 1000000) return EINVAL;
        rest = end;
    }
    if (strcmp(rest, ":stop") == 0) action = SIGSTOP;
    else if (*rest != 0) return EINVAL;
    mark = once ? strdup(once) : NULL;
    atomic_store(&passes_left, (int)count);
    cs_fault_armed = 1;
    return 0;
}

const char *cs_fault_name(void) { return name; }

void cs_fault_pass(const char *point) {
    if (strcmp(point, name) != 0 || atomic_fetch_sub(&passes_left, 1) != 1) return;
    if (mark) {
        int made = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (made < 0) return;
        close(made);
    }
    kill(getpid(), action);
}
