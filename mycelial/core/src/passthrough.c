/* Kernel passthrough: reads and writes of an open file go straight to the file below, past this process.
 *
 * All opens of one inode share one backing id, and the kernel allows no mixture: while a file is open through its page
 * cache it may not be opened in passthrough, and the reverse (it answers EIO). So the first open decides, and the
 * others follow until the last is closed. What was written is no longer seen as requests; the inode's change time
 * tells it at the close.
 */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct backing_map { /* struct fuse_backing_map; too new for many systems' headers */
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};
#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

static struct {
    bool on;
    int device;
    unsigned long opens;
} passthrough;

void passthrough_init(struct fuse_conn_info *connection, bool wanted) {
    passthrough.on = false;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
    /* Only root may open a backing file; the kernel would refuse each one. */
    if (wanted && geteuid() == 0 && fuse_set_feature_flag(connection, FUSE_CAP_PASSTHROUGH)) {
        connection->max_backing_stack_depth = 1;
        passthrough.on = true;
    }
#else
    (void)connection, (void)wanted;
#endif
}

void passthrough_device(int device) { passthrough.device = device; }
bool passthrough_is_on(void) { return passthrough.on; }
unsigned long passthrough_opens(void) { return passthrough.opens; }

static bool begin(struct inode *inode, const struct handle *handle) {
    struct backing_map map = {.fd = handle->fd};
    if (handle->next) return inode->backing_id > 0; /* others have it open: as they do */
    int id = ioctl(passthrough.device, BACKING_OPEN, &map);
    if (id <= 0) {
        if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOTTY) passthrough.on = false;
        return false; /* ELOOP: the source is stacked itself (overlayfs) */
    }
    inode->backing_id = id;
    return true;
}

void passthrough_open(struct handle *handle, struct fuse_file_info *fi) {
    struct statx stx;
    if (!passthrough.on && handle->inode->backing_id <= 0) return;
    if (stat_fd(handle->fd, &stx) || !begin(handle->inode, handle)) return;
    handle->passthrough = true;
    handle->changed = stx.stx_ctime;
    passthrough.opens++;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
    fi->backing_id = handle->inode->backing_id;
    fi->keep_cache = 0; /* both together: the kernel answers EIO */
    fi->direct_io = 0;
#else
    (void)fi;
#endif
}

bool passthrough_wrote(struct handle *handle) {
    struct statx stx;
    if (!handle->passthrough || (handle->flags & O_ACCMODE) == O_RDONLY || stat_fd(handle->fd, &stx)) return false;
    bool changed = memcmp(&stx.stx_ctime, &handle->changed, sizeof stx.stx_ctime) != 0;
    handle->changed = stx.stx_ctime;
    return changed;
}

void passthrough_close(struct inode *inode) {
    uint32_t id = (uint32_t)inode->backing_id;
    if (inode->backing_id <= 0) return;
    ioctl(passthrough.device, BACKING_CLOSE, &id);
    inode->backing_id = 0;
}
