/* The load: many subscribers in one epoll loop, each line parsed for its time. */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    int descriptor;
    int greeted;
    uint64_t received;
    size_t kept;                /* bytes of an unfinished line */
    char partial[1024];
} subscriber;

static const char subscribe_redis[] = "*2\r\n$9\r\nSUBSCRIBE\r\n$3\r\nbus\r\n";
enum { STAMP = 62 };            /* where the time stands in a line */

static void take_line(subscriber *reader, const char *line, size_t length, uint64_t now, cbus_shared *shared) {
    if (!reader->greeted && (line[0] == '{' || line[0] == ':')) {
        reader->greeted = 1;
        __atomic_add_fetch(&shared->connected, 1, __ATOMIC_RELEASE);
        return;
    }
    /* redis puts lines of its own around each event, and a carriage return at its end. */
    if (line[0] != '{' || length + 2 < CBUS_LINE) return;
    uint64_t sent = strtoull(line + STAMP, NULL, 10);
    uint64_t microseconds = now > sent ? (now - sent) / 1000 : 0;
    shared->latency[microseconds < CBUS_BUCKETS ? microseconds : CBUS_BUCKETS - 1]++;
    shared->deliveries++;
    reader->received++;
}

static void take_bytes(subscriber *reader, char *bytes, size_t count, cbus_shared *shared) {
    uint64_t now = cbus_now();
    char *end = bytes + count, *newline;
    if (reader->kept > 0) {
        newline = memchr(bytes, '\n', count);
        size_t rest = newline ? (size_t)(newline - bytes) : count;
        if (reader->kept + rest > sizeof reader->partial) abort();
        memcpy(reader->partial + reader->kept, bytes, rest);
        reader->kept += rest;
        if (!newline) return;
        take_line(reader, reader->partial, reader->kept, now, shared);
        reader->kept = 0;
        bytes = newline + 1;
    }
    while ((newline = memchr(bytes, '\n', (size_t)(end - bytes)))) {
        take_line(reader, bytes, (size_t)(newline - bytes), now, shared);
        bytes = newline + 1;
    }
    reader->kept = (size_t)(end - bytes);
    if (reader->kept > sizeof reader->partial) abort();
    memcpy(reader->partial, bytes, reader->kept);
}

static uint64_t slowest(const subscriber *readers, int count) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < count; i++)
        if (readers[i].received < least) least = readers[i].received;
    return least;
}

int cbus_load(const char *path, int redis, int subscribers, int stalled, uint64_t events, cbus_shared *shared) {
    static char buffer[256 << 10];
    subscriber *readers = calloc((size_t)subscribers, sizeof *readers);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < subscribers + stalled; i++) {
        int descriptor = cbus_connect(path);
        if (descriptor < 0) return 1;
        if (redis && write(descriptor, subscribe_redis, sizeof subscribe_redis - 1) < 0) return 1;
        if (i >= subscribers) continue;
        fcntl(descriptor, F_SETFL, O_NONBLOCK);
        readers[i].descriptor = descriptor;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &readers[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
    }
    uint64_t least = 0;
    while (least < events) {
        struct epoll_event ready[128];
        int count = epoll_wait(poll, ready, 128, -1);
        for (int i = 0; i < count; i++) {
            subscriber *reader = ready[i].data.ptr;
            ssize_t got = recv(reader->descriptor, buffer, sizeof buffer, 0);
            if (got > 0) take_bytes(reader, buffer, (size_t)got, shared);
            else if (got == 0 || errno != EAGAIN) {
                __atomic_store_n(&shared->finished, 2, __ATOMIC_RELEASE);
                return 1;
            }
        }
        least = slowest(readers, subscribers);
        __atomic_store_n(&shared->slowest, least, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&shared->finished, 1, __ATOMIC_RELEASE);
    cbus_await_end();
    return 0;
}
