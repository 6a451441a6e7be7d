/* libfuse.c: libfuse's own functions, behind those that we put before them. */
#ifndef MYCELIAL_LIBFUSE_H
#define MYCELIAL_LIBFUSE_H

#include "base.h"

/* For a function that we put before one of libfuse's, which pyfuse3 then calls; and the one behind it. */
#define EXPORTED __attribute__((visibility("default"), used))
void *libfuse(const char *name, const char *version);

extern struct fuse_session *libfuse_session; /* pyfuse3's */
int libfuse_device(struct fuse_session *se);
int libfuse_receive(struct fuse_session *se, struct fuse_buf *buffer);
void libfuse_hang_up(struct fuse_session *se); /* give up the device; who is left behind answers nobody from now on */
void libfuse_invalidate(fuse_ino_t ino); /* the kernel's attributes of it are out of date */

/* Have the kernel let go of the names of inodes that nobody uses. An error number: EINVAL before Linux 6.18, or 0. */
int libfuse_prune(const uint64_t *inodes, size_t count);

#endif
