#include "csystem.h"

#include <malloc.h>

void cs_memory_bound(void) {
    mallopt(M_ARENA_MAX, 2);
    /* Said, so that it does not grow with what is freed; more than the pieces that output is read in. */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

void cs_memory_give_back(void) { malloc_trim(0); }
