/* postponed.c: requests that are asked again a moment later. */
#ifndef MYCELIAL_POSTPONED_H
#define MYCELIAL_POSTPONED_H

#include "base.h"

struct inode;

int postponed_init(void);  /* 0 or an error's number */
int postponed_timer(void); /* a descriptor, readable when some request is due */
/* The others with the core. */
void postponed_begin(void); /* there is somebody who asks again */
void postponed_end(void); /* nobody does, nor waits any more */

void postponed_answering(const struct fuse_buf *buffer); /* this thread, now, and for the first time */
/* What it answers now; 0, and the request is gone, or the error to answer it with. The inode, if any, is what it waits for. */
int postpone(fuse_req_t req, struct inode *inode);
int postponed_hold(void); /* likewise what was not looked at yet */
bool postponed_drop(uint64_t unique); /* a signal came for whoever waits; whether it was here */
bool postponed_before(void); /* whether what this thread answers now waited for a lease */
bool postponed_take(struct fuse_buf *buffer); /* one that is due; this thread answers it now, */
void postponed_give_back(struct fuse_buf *buffer); /* and has */

#endif
