/* queue.c: requests for Python. */
#ifndef MYCELIAL_QUEUE_H
#define MYCELIAL_QUEUE_H

#include "base.h"

int queue_init(void); /* 0 or an error's number */
int queue_fd(void);   /* readable while requests wait */
bool queue_put(const struct fuse_buf *buffer);
int queue_take(struct fuse_buf *buffer); /* one of them, as fuse_session_receive_buf gives it */
void queue_end(int result);              /* there will be no more: 0 or -errno */

#endif
