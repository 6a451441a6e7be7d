/* passthrough.c: reads and writes that never come here. */
#ifndef MYCELIAL_PASSTHROUGH_H
#define MYCELIAL_PASSTHROUGH_H

#include "handle.h"
#include "inode.h"

bool passthrough_wanted(void); /* and possible, as far as it depends on this process */
void passthrough_begin(void);
void passthrough_device(int device);
bool passthrough_is_on(void);
unsigned long passthrough_opens(void);
void passthrough_open(fuse_req_t req, struct handle *handle); /* in that way, if it can be */
bool passthrough_writable(const struct inode *inode); /* it may change now without a request */
bool passthrough_wrote(struct handle *handle);                           /* since this was asked last */
void passthrough_close(struct inode *inode);                             /* its last handle is closed */

#endif
