/* caller.c: acting with the rights of the process that asks. */
#ifndef MYCELIAL_CALLER_H
#define MYCELIAL_CALLER_H

#include "base.h"

void caller_init(void);
/* fsuid, fsgid, supplementary groups, umask, and the capabilities over what is going to be changed: one file, or two. */
void caller_become(fuse_req_t req, int fd, int other);
void caller_become_user(fuse_req_t req); /* fsuid and fsgid alone: enough for a write to clear setuid */
void caller_may_make_devices(void); /* besides: the kernel has asked whether he may */
void caller_restore(void);
bool caller_is_in_group(fuse_req_t req, gid_t gid); /* as the kernel asks: root is in each */
void caller_set(uid_t uid, gid_t gid, const gid_t *groups, size_t count); /* this thread only */

#endif
