#include "cstore.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct cstore {
    sqlite3 *database;
    sqlite3_stmt *begin, *insert, *commit;
    long long sequence;
};

static int prepare(cstore *store, const char *sql, sqlite3_stmt **statement) {
    return sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) == SQLITE_OK;
}

cstore *cstore_open(const char *path, const char *synchronous) {
    cstore *store = calloc(1, sizeof *store);
    if (!store) return NULL;
    char pragmas[256];
    snprintf(pragmas, sizeof pragmas,
        "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = %s; "
        "PRAGMA journal_size_limit = 67108864;",
        synchronous);
    static const char schema[] = "CREATE TABLE events (seq INTEGER PRIMARY KEY CHECK (seq > 0), name TEXT NOT NULL, "
                                 "ticket TEXT, line BLOB NOT NULL) STRICT";
    if (sqlite3_open(path, &store->database) == SQLITE_OK
        && sqlite3_exec(store->database, pragmas, NULL, NULL, NULL) == SQLITE_OK
        && sqlite3_exec(store->database, schema, NULL, NULL, NULL) == SQLITE_OK
        && prepare(store, "BEGIN IMMEDIATE", &store->begin) && prepare(store, "COMMIT", &store->commit)
        && prepare(store, "INSERT INTO events VALUES (?, ?, ?, ?)", &store->insert))
        return store;
    fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(store->database));
    cstore_close(store);
    return NULL;
}

static int step(sqlite3_stmt *statement) {
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result == SQLITE_DONE;
}

static int insert(cstore *store, const char *line, int size) {
    sqlite3_bind_int64(store->insert, 1, ++store->sequence);
    sqlite3_bind_text(store->insert, 2, "ticket.enqueued", -1, SQLITE_STATIC);
    sqlite3_bind_text(store->insert, 3, "T-1000", -1, SQLITE_STATIC);
    sqlite3_bind_blob(store->insert, 4, line, size, SQLITE_STATIC);
    return step(store->insert);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

long long cstore_insert(cstore *store, int count, int size, int batch) {
    char *line = malloc((size_t)size);
    if (!line) return -1;
    memset(line, 'x', (size_t)size);
    long long began = now();
    int works = 1;
    for (int done = 0; works && done < count;) {
        works = step(store->begin);
        for (int i = 0; works && i < batch && done < count; i++, done++) works = insert(store, line, size);
        works = works && step(store->commit);
    }
    long long took = now() - began;
    free(line);
    if (!works) fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(store->database));
    return works ? took : -1;
}

void cstore_close(cstore *store) {
    sqlite3_finalize(store->begin);
    sqlite3_finalize(store->insert);
    sqlite3_finalize(store->commit);
    sqlite3_close(store->database);
    free(store);
}

int cstore_run(const char *path, const char *sql) {
    sqlite3 *database = NULL;
    int works = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK
        && sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (!works) fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(database));
    sqlite3_close(database);
    return works ? 0 : -1;
}
