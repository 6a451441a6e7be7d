/* What several users share, and share.c: how many of the daemon's descriptors each of them takes. */
#ifndef MYCELIAL_SHARE_H
#define MYCELIAL_SHARE_H

#include "base.h"

/* Whoever has as many as are left for all others gets no more, and the last quarter is for those who have none: so the next one
 * finds some, though several take all that they get. */
static inline bool share_is_taken(unsigned his, unsigned all, unsigned room) { return his && his + all >= room - room / 4; }

void share_init(unsigned room); /* descriptors for what users keep open */
bool share_take(uint32_t uid);  /* false: he has his share */
void share_give(uint32_t uid);  /* one that was taken */

#endif
