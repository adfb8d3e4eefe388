#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

cbus_shared *cbus_share(const char *file) {
    int descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 || ftruncate(descriptor, sizeof(cbus_shared)) < 0) return NULL;
    void *mapped = mmap(NULL, sizeof(cbus_shared), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static uint64_t read_clock(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) < 0) return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t cbus_now(void) { return read_clock(CLOCK_MONOTONIC); }

uint64_t cbus_cpu(pid_t pid) {
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? read_clock(clock) : 0;
}

void cbus_line(char *line, uint64_t number) {
    int written = snprintf(
        line, CBUS_LINE,
        "{\"jsonrpc\":\"2.0\",\"method\":\"ticket.started\",\"params\":{\"stamp\":\"%020llu\",\"seq\":%llu,"
        "\"ticket\":\"T-%llu\",\"agent\":\"agent-1\",\"padding\":\"",
        (unsigned long long)cbus_now(), (unsigned long long)number, (unsigned long long)number % 1000);
    memset(line + written, 'x', (size_t)(CBUS_LINE - 4 - written));
    memcpy(line + CBUS_LINE - 4, "\"}}\n", 4);
}

void cbus_pace(const cbus_shared *shared, uint64_t number, uint64_t rate, uint64_t start) {
    if (rate > 0) {
        uint64_t due = start + number * 1000000000u / rate;
        struct timespec until = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {}
        return;
    }
    while (number > __atomic_load_n(&shared->slowest, __ATOMIC_ACQUIRE) + CBUS_WINDOW) {
        if (__atomic_load_n(&shared->finished, __ATOMIC_ACQUIRE)) return;
        usleep(20);
    }
}

int cbus_connect(const char *path) {
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
    close(descriptor);
    return -1;
}

int cbus_is_up(const char *path) {
    int descriptor = cbus_connect(path);
    if (descriptor >= 0) close(descriptor);
    return descriptor >= 0;
}

double cbus_percentile(const cbus_shared *shared, double part) {
    uint64_t left = (uint64_t)(part * (double)shared->deliveries);
    for (int i = 0; i < CBUS_BUCKETS; i++) {
        if (shared->latency[i] >= left) return i;
        left -= shared->latency[i];
    }
    return CBUS_BUCKETS;
}

void cbus_flush_lines(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

void cbus_await_go(void) {
    char byte;
    if (read(0, &byte, 1) != 1) exit(1);
}

void cbus_await_end(void) {
    char byte;
    while (read(0, &byte, 1) > 0) {}
}

pid_t cbus_start(const char *program, char *const *arguments, int *input) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    pid_t pid;
    int failed = posix_spawn(&pid, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (failed) {
        close(ends[1]);
        return -1;
    }
    *input = ends[1];
    return pid;
}
