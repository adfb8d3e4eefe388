#include "cbus.h"

/* A blocking connection, or -1. */
int cbus_connect(const char *path);
/* Waits for the first byte from standard input, and for its end. */
void cbus_await_go(void);
void cbus_await_end(void);
