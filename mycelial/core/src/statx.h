/* statx.c: a request that libfuse does not know. */
#ifndef MYCELIAL_STATX_H
#define MYCELIAL_STATX_H

#include "base.h"

bool statx_is_asked(const struct fuse_buf *buffer);
void statx_answer(int device, const struct fuse_buf *buffer); /* of a real file */
void statx_as_getattr(struct fuse_buf *buffer);                            /* of a virtual one, before libfuse gets it, */
bool statx_expect(fuse_req_t req); /* and where it has become this: its answer will be put right; false: no room */

#endif
