/* postponed.c: requests that are asked again a moment later, as somebody has a lease on the file. */
#ifndef MYCELIAL_POSTPONED_H
#define MYCELIAL_POSTPONED_H

#include "base.h"

int postponed_init(void);  /* 0 or an error's number */
int postponed_timer(void); /* a descriptor, readable when some request is due */
/* The others with the core. */
void postponed_begin(void); /* there is somebody who asks again */
void postponed_end(void); /* nobody does, nor waits any more */

void postponed_answering(const struct fuse_buf *buffer); /* this thread, now, and for the first time */
int postpone(fuse_req_t req); /* what it answers now; 0, and the request is gone, or the error to answer it with */
bool postponed_before(void); /* whether what this thread answers now was */
bool postponed_take(struct fuse_buf *buffer); /* one that is due, to be freed; this thread answers it now */

#endif
