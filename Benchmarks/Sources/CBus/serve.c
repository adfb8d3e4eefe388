/* The same server as orch's, without anything but fanning out: one epoll thread, a ring, a cursor per subscriber. */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RING = 16 << 20, MOST = 4096 };

typedef struct {
    int descriptor;
    int blocked;
    uint64_t cursor;
} client;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *mail, *spare;      /* lines published and not taken; RING bytes each */
static size_t mail_size;
static int asleep, wakeup, listener, poll_descriptor;
static char *ring;
static uint64_t head;
static client *clients[MOST];
static int client_count;

static void drop(int index) {
    close(clients[index]->descriptor);
    free(clients[index]);
    clients[index] = clients[--client_count];
}

/* 0 when the client is gone. */
static int deliver(client *to) {
    while (to->cursor < head && !to->blocked) {
        size_t offset = to->cursor % RING, count = (size_t)(head - to->cursor);
        if (count > RING - offset) count = RING - offset;
        ssize_t sent = send(to->descriptor, ring + offset, count, MSG_NOSIGNAL);
        if (sent >= 0) to->cursor += (uint64_t)sent;
        else if (errno == EAGAIN) {
            to->blocked = 1;
            struct epoll_event event = {.events = EPOLLOUT, .data.ptr = to};
            epoll_ctl(poll_descriptor, EPOLL_CTL_MOD, to->descriptor, &event);
        } else if (errno != EINTR) return 0;
    }
    return 1;
}

static void deliver_all(void) {
    for (int i = client_count - 1; i >= 0; i--)
        if (!deliver(clients[i]) || head - clients[i]->cursor > RING - (1 << 20)) drop(i);
}

static void append(const char *bytes, size_t count) {
    size_t offset = head % RING, first = count < RING - offset ? count : RING - offset;
    memcpy(ring + offset, bytes, first);
    memcpy(ring, bytes + first, count - first);
    head += count;
}

static void take_mail(void) {
    pthread_mutex_lock(&lock);
    char *taken = mail;
    size_t size = mail_size;
    mail = spare;
    spare = taken;
    mail_size = 0;
    asleep = 0;
    pthread_mutex_unlock(&lock);
    for (size_t done = 0; done < size;) {
        size_t piece = size - done < (1 << 20) ? size - done : 1 << 20;
        append(taken + done, piece);
        done += piece;
        deliver_all();
    }
}

static void welcome(void) {
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0 || client_count == MOST) return;
    client *one = calloc(1, sizeof *one);
    *one = (client){descriptor, 0, head};
    clients[client_count++] = one;
    struct epoll_event event = {.events = 0, .data.ptr = one};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, descriptor, &event);
    if (send(descriptor, "{}\n", 3, MSG_NOSIGNAL) < 0) return;
}

static void *loop(void *unused) {
    (void)unused;
    while (1) {
        pthread_mutex_lock(&lock);
        asleep = mail_size == 0;
        int timeout = asleep ? -1 : 0;
        pthread_mutex_unlock(&lock);
        struct epoll_event ready[256];
        int count = epoll_wait(poll_descriptor, ready, 256, timeout);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr == &listener) welcome();
            else if (ready[i].data.ptr != &wakeup) {
                client *one = ready[i].data.ptr;
                if (ready[i].events & (EPOLLHUP | EPOLLERR)) {
                    for (int j = 0; j < client_count; j++)
                        if (clients[j] == one) {
                            drop(j);
                            break;
                        }
                    continue;
                }
                struct epoll_event event = {.events = 0, .data.ptr = one};
                epoll_ctl(poll_descriptor, EPOLL_CTL_MOD, one->descriptor, &event);
                one->blocked = 0;
                deliver(one);
            }
        }
        take_mail();
    }
    return NULL;
}

static void publish(const char *line) {
    while (1) {
        pthread_mutex_lock(&lock);
        if (mail_size + CBUS_LINE <= RING) break;
        pthread_mutex_unlock(&lock);
        usleep(50);
    }
    memcpy(mail + mail_size, line, CBUS_LINE);
    mail_size += CBUS_LINE;
    int must_wake = asleep;
    asleep = 0;
    pthread_mutex_unlock(&lock);
    uint64_t one = 1;
    if (must_wake && write(wakeup, &one, 8) < 0) abort();
}

int cbus_serve(const char *path, uint64_t rate, uint64_t events, const cbus_shared *shared) {
    mail = malloc(RING);
    spare = malloc(RING);
    ring = malloc(RING);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 512) < 0) return 1;
    wakeup = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    poll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, listener, &event);
    event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.ptr = &wakeup};
    epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, wakeup, &event);
    pthread_t thread;
    pthread_create(&thread, NULL, loop, NULL);

    cbus_await_go();
    uint64_t start = cbus_now();
    char line[CBUS_LINE];
    for (uint64_t number = 1; number <= events; number++) {
        cbus_pace(shared, number, rate, start);
        cbus_line(line, number);
        publish(line);
    }
    cbus_await_end();
    return 0;
}
