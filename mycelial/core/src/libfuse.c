/* libfuse's own functions: ours stand before some of them (session.c), and these lead past ours. */
#include "libfuse.h"

#include "protocol.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

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

void libfuse_hang_up(struct fuse_session *se) {
    int nobody = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nobody < 0) return;
    dup3(nobody, libfuse_device(se), O_CLOEXEC);
    close(nobody);
}

int libfuse_receive(struct fuse_session *se, struct fuse_buf *buffer) {
    static int (*next)(struct fuse_session *, struct fuse_buf *);
    if (!next) next = (int (*)(struct fuse_session *, struct fuse_buf *))libfuse("fuse_session_receive_buf", "FUSE_3.0");
    return next(se, buffer);
}

void libfuse_invalidate(fuse_ino_t ino) {
    fuse_lowlevel_notify_inval_inode(libfuse_session, ino, -1, 0); /* attributes only: waits for no page */
}

/* A notice that a name is no longer valid would wait for the directory's lock, and who holds that may wait for our answer:
 * killed at that moment, the daemon could not end, nor its mount. This one takes no such lock. */
int libfuse_prune(const uint64_t *inodes, size_t count) {
    if (!libfuse_session) return ENOTCONN;
    struct prune_notice notice = {.count = (uint32_t)count};
    size_t bytes = count * sizeof *inodes;
    struct fuse_out_header header = {.len = (uint32_t)(sizeof header + sizeof notice + bytes), .error = NOTIFY_PRUNE};
    struct iovec parts[] = {{&header, sizeof header}, {&notice, sizeof notice}, {(void *)inodes, bytes}};
    return writev(libfuse_device(libfuse_session), parts, 3) < 0 ? errno : 0;
}
