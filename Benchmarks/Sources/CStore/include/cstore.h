/* SQLite by itself: one table, one INSERT a transaction, with the pragmas orch sets. */
#ifndef CSTORE_H
#define CSTORE_H

typedef struct cstore cstore;

/* Opens a new database; `synchronous` is FULL or NORMAL. NULL when that fails. */
cstore *cstore_open(const char *path, const char *synchronous);

/* Stores `count` events with a line of `size` bytes, `batch` of them in a transaction. Nanoseconds, or -1. */
long long cstore_insert(cstore *store, int count, int size, int batch);

/* Runs SQL on a database that exists. 0, or -1 after a complaint on standard error. */
int cstore_run(const char *path, const char *sql);

void cstore_close(cstore *store);

#endif
