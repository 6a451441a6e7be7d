/* Kernel passthrough: reads and writes of an open file go straight to the file below, past this process.
 *
 * All opens of one inode share one backing id, and the kernel allows no mixture: while a file is open through its page
 * cache it may not be opened in passthrough, and the reverse (it answers EIO). So the first open decides, and the
 * others follow until the last is closed. What was written is no longer seen as requests; the inode's change time
 * tells it at the close.
 */
#include "passthrough.h"
#include "caller.h"
#include "configuration.h"
#include "stat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct {
    bool on;
    int device;
    unsigned long opens;
} passthrough;

bool passthrough_wanted(void) { return configuration.passthrough && !configuration.writeback && geteuid() == 0; } /* only root may open a backing file */
void passthrough_begin(void) { passthrough.on = true; }
void passthrough_device(int device) { passthrough.device = device; }
bool passthrough_is_on(void) { return passthrough.on; }
unsigned long passthrough_opens(void) { return passthrough.opens; }

static bool is_writable(const struct handle *handle) { return (handle->flags & O_ACCMODE) != O_RDONLY; }

static bool begin(fuse_req_t req, struct inode *inode, const struct handle *handle) {
    struct backing_map map = {.fd = handle->fd};
    if (handle->next) return inode->backing_id > 0; /* others have it open: as they do */
    caller_become(req, handle->fd, -1); /* the kernel will write in this name: reserved blocks are not for everybody */
    int id = ioctl(passthrough.device, BACKING_OPEN, &map), error = errno;
    caller_restore();
    if (id <= 0) {
        if (error == EPERM || error == EOPNOTSUPP || error == ENOTTY) passthrough.on = false;
        return false; /* ELOOP: the source is stacked itself (overlayfs) */
    }
    inode->backing_id = id;
    return true;
}

void passthrough_open(fuse_req_t req, struct handle *handle) {
    if (!passthrough.on && handle->inode->backing_id <= 0) return;
    if (!begin(req, handle->inode, handle)) return;
    handle->passthrough = true;
    if ((handle->flags & O_ACCMODE) == O_RDWR) handle->inode->may_be_mapped = true;
    passthrough.opens++;
}

bool passthrough_writable(const struct inode *inode) {
    if (inode->backing_id <= 0) return false;
    for (const struct handle *handle = inode->handles; handle; handle = handle->next)
        if (is_writable(handle)) return true;
    return false;
}

bool passthrough_wrote(struct handle *handle) {
    struct statx stx;
    if (!handle->passthrough || !is_writable(handle) || stat_fd(handle->fd, &stx)) return false;
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
