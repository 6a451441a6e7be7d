/* placement.c: on which processor the reader runs. */
#ifndef MYCELIAL_PLACEMENT_H
#define MYCELIAL_PLACEMENT_H

#include "base.h"

#include <linux/fuse.h>

void placement_init(void);
/* By the reader, with the core, for each request before it is answered. */
void placement_follow(const struct fuse_in_header *request);
/* At the begin of a thread: what it inherits may be the reader's place. */
void placement_anywhere(void);
/* After that, by a thread that answers while everybody waits: it runs before other programs. */
void placement_go_first(void);

#endif
