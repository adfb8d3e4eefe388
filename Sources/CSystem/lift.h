/* What the two ways of starting a child share; not for other modules. */
#ifndef LIFT_H
#define LIFT_H

#include "csystem.h"

enum { CS_MOST_FILES = 16 };

/* Copies each descriptor above the range the child will use, so that no dup2 overwrites a source still needed. `null` is
 * /dev/null if any of the files is. 0 or an errno value; cs_lower is due either way. */
int cs_lift(const cs_spawn_request *request, int *lifted, int *null);
void cs_lower(const cs_spawn_request *request, const int *lifted, int null);

#endif
