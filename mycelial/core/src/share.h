/* share.c: how many of the daemon's descriptors each user takes. */
#ifndef MYCELIAL_SHARE_H
#define MYCELIAL_SHARE_H

#include "base.h"

void share_init(unsigned room); /* descriptors for what users keep open */
bool share_take(uint32_t uid);  /* false: he has as many as are left for all others */
void share_give(uint32_t uid);  /* one that was taken */

#endif
