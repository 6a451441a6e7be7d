/* libfuse's own functions: ours stand before some of them (session.c), and these lead past ours. */
#include "libfuse.h"

#include <dlfcn.h>

struct fuse_session *libfuse_session;

void *libfuse(const char *name, const char *version) {
    void *found = dlvsym(RTLD_NEXT, name, version);
    return found ? found : dlsym(RTLD_NEXT, name);
}

int libfuse_device(struct fuse_session *se) {
    typedef int function(struct fuse_session *);
    function *next = (function *)libfuse("fuse_session_fd", "FUSE_3.0");
    return next(se);
}

int libfuse_receive(struct fuse_session *se, struct fuse_buf *buffer) {
    static int (*next)(struct fuse_session *, struct fuse_buf *);
    if (!next) next = (int (*)(struct fuse_session *, struct fuse_buf *))libfuse("fuse_session_receive_buf", "FUSE_3.0");
    return next(se, buffer);
}

void libfuse_invalidate(fuse_ino_t ino) {
    fuse_lowlevel_notify_inval_inode(libfuse_session, ino, -1, 0); /* attributes only: waits for no page */
}
