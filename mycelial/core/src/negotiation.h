/* negotiation.c: what the kernel offers, and what is taken of it. */
#ifndef MYCELIAL_NEGOTIATION_H
#define MYCELIAL_NEGOTIATION_H

#include "base.h"

/* Has INIT answered by libfuse, and the answer completed; false when this is another request, or nothing was done. */
bool negotiation_process(struct fuse_session *se, const struct fuse_buf *request);

#endif
