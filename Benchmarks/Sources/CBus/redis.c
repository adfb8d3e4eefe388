/* Publishes through a redis server, as fast as its protocol allows: no waiting for replies. */
#define _GNU_SOURCE
#include "common.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int cbus_publish_redis(const char *path, uint64_t rate, uint64_t events, const cbus_shared *shared) {
    int server = cbus_connect(path);
    if (server < 0) return 1;
    cbus_await_go();
    uint64_t start = cbus_now();
    char command[CBUS_LINE + 64], replies[4096];
    /* The payload goes without its newline; the protocol brings one. */
    int prefix = snprintf(command, sizeof command, "*3\r\n$7\r\nPUBLISH\r\n$3\r\nbus\r\n$%d\r\n", CBUS_LINE - 1);
    for (uint64_t number = 1; number <= events; number++) {
        cbus_pace(shared, number, rate, start);
        cbus_line(command + prefix, number);
        memcpy(command + prefix + CBUS_LINE - 1, "\r\n", 2);
        size_t size = (size_t)prefix + CBUS_LINE + 1;
        if (send(server, command, size, MSG_NOSIGNAL) != (ssize_t)size) return 1;
        while (recv(server, replies, sizeof replies, MSG_DONTWAIT) > 0) {}
    }
    cbus_await_end();
    return 0;
}
