#include "csystem.h"

/* A section of its own, which `scripts/stamp.sh` fills in a program that is finished: a constant that were compiled in
 * would have everything built anew for each commit. Volatile, so that no compiler takes it to be empty. */
__attribute__((section(".orch.commit"))) static const volatile char stamp[64] = {0};

void cs_stamped_commit(char out[64]) {
    for (int at = 0; at < 64; at++) out[at] = stamp[at];
    out[63] = 0;
}
