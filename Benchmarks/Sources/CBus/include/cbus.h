/* What the bus benchmark needs in C: the load that reads, the server to compare with, and a publisher for redis. */
#ifndef CBUS_H
#define CBUS_H

#include <stdint.h>
#include <sys/types.h>

enum { CBUS_LINE = 299, CBUS_WINDOW = 512, CBUS_BUCKETS = 200000 };

/* Memory that all processes of one run share. */
typedef struct {
    uint64_t connected;     /* subscribers that have been greeted */
    uint64_t slowest;       /* events the slowest of them has received */
    uint64_t finished;      /* 1: every subscriber has every event; 2: one was cut off or lost something */
    uint64_t deliveries;
    uint32_t latency[CBUS_BUCKETS];   /* deliveries by latency in microseconds, the last one also for longer ones */
} cbus_shared;

/* Maps the file of that name, making it when it is not there. NULL on failure. */
cbus_shared *cbus_share(const char *file);

/* Writes event `number` (from 1) with the present time into `line`: CBUS_LINE bytes, the last a newline. */
void cbus_line(char *line, uint64_t number);

/* Waits until event `number` is to be published: `rate` a second since `start` (nanoseconds), or, with rate 0, until
 * no more than CBUS_WINDOW events are on their way. */
void cbus_pace(const cbus_shared *shared, uint64_t number, uint64_t rate, uint64_t start);

/* The latency in microseconds that `part` (0 to 1) of the deliveries did not exceed. */
double cbus_percentile(const cbus_shared *shared, double part);

uint64_t cbus_now(void);
/* Processor time of a process, its threads together, in nanoseconds. */
uint64_t cbus_cpu(pid_t pid);

/* The three roles of a process; each returns its exit status. `redis` speaks redis' protocol instead of lines.
 * The publishers start on the first byte from standard input and stay until its end. */
int cbus_load(const char *path, int redis, int subscribers, int stalled, uint64_t events, cbus_shared *shared);
int cbus_serve(const char *path, uint64_t rate, uint64_t events, const cbus_shared *shared);
int cbus_publish_redis(const char *path, uint64_t rate, uint64_t events, const cbus_shared *shared);

/* Has standard output written line by line, also into a pipe. */
void cbus_flush_lines(void);

/* Starts a program with a pipe as its standard input, whose other end comes back in *input. -1 on failure. */
pid_t cbus_start(const char *program, char *const *arguments, int *input);
/* Whether something accepts connections on the socket. */
int cbus_is_up(const char *path);

#endif
