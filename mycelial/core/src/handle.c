/* Open files, and how they are opened below. */
#include "handle.h"
#include "configuration.h"
#include "libfuse.h"
#include "lock.h"
#include "passthrough.h"
#include "protocol.h"
#include "share.h"
#include "stat.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct handle *handle_new(fuse_req_t req, struct inode *inode, int fd, int flags, const struct statx *stx) {
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle) return NULL;
    handle->inode = inode;
    inode->told_us = 0; /* reading moves the access time, writing more: it will be asked for again */
    handle->fd = fd;
    handle->flags = flags;
    handle->changed = stx->stx_ctime;
    handle->uid = fuse_req_ctx(req)->uid;
    handle->tid = fuse_req_ctx(req)->pid;
    handle->next = inode->handles;
    inode->handles = handle;
    inode_reference(inode);
    passthrough_open(req, handle); /* at once: who opens the file while this one's event is told follows */
    return handle;
}

int handle_stat(const struct handle *handle, struct statx *stx) {
    unsigned long before = core_turn();
    core_leave_for_disk();
    int error = stat_fd(handle->fd, stx);
    core_return();
    return core_turn() == before + 1 ? error : stat_fd(handle->fd, stx); /* others were at work meanwhile */
}

/* What never had a name (O_TMPFILE) was reached through its open files alone; there may be an O_PATH descriptor yet. */
static bool is_last_way(const struct inode *inode) {
    return !inode->handles && !inode->parent && inode->fd < 0 && inode->lookups && inode->type != S_IFDIR;
}

void handle_close(struct handle *handle) {
    struct inode *inode = handle->inode;
    struct handle **link = &inode->handles;
    while (*link != handle) link = &(*link)->next;
    *link = handle->next;
    if (!inode->handles) passthrough_close(inode);
    share_give(handle->uid);
    if (is_last_way(inode) && inode_hold(inode, handle->fd, handle->uid)) {
        inode->large = true; /* it is forgotten at once, most likely */
    } else if (core_has_share(handle->uid)) {
        worker_close(inode->dev, handle->uid, handle->fd);
    } else {
        core_seat->uid = handle->uid; /* a request to close names nobody */
        core_leave_for_disk(); /* some filesystems bring to the disk then what was written, or tell another machine */
        inode_close(inode, handle->fd);
        core_return();
    }
    inode_unreference(inode);
    free(handle);
}

/* Whether the kernel's pages are of this content. The kernel itself looks at size and mtime (AUTO_INVAL_DATA), which
 * whoever changes a file behind our back can set as they were; the change time nobody can. */
bool handle_is_cached(const struct handle *handle) {
    struct statx_timestamp *cached = &handle->inode->cached;
    if (is_exclusive() || is_writeback()) return true; /* nobody else changes it; or the kernel knows better */
    bool same = cached->tv_sec == handle->changed.tv_sec && cached->tv_nsec == handle->changed.tv_nsec;
    *cached = handle->changed;
    return same;
}

struct open_reply handle_reply(struct handle *handle) {
    struct open_reply reply = {.handle = (uint64_t)(uintptr_t)handle, .backing_id = handle->passthrough ? handle->inode->backing_id : 0};
    int access = handle->flags & O_ACCMODE;
    if (access == O_RDONLY) reply.flags |= OPEN_NOFLUSH;
    /* Who only writes gains nothing from the page cache; others' pages of it are dropped. O_DIRECT itself is the
     * kernel's matter: it may be mapped, which what bypasses the cache in this way may not. */
    if (is_exclusive() && passthrough_writable(handle->inode)) libfuse_invalidate(inode_number(handle->inode));
    bool readable = is_writeback() && (fcntl(handle->fd, F_GETFL) & O_ACCMODE) == O_RDWR;
    bool bypass = access == O_WRONLY && !readable && negotiated.offered & INIT_DIRECT_IO_ALLOW_MMAP;
    /* With passthrough, KEEP_CACHE would be EIO. */
    reply.flags |= handle->passthrough ? OPEN_PASSTHROUGH : bypass ? OPEN_DIRECT_IO : handle_is_cached(handle) ? OPEN_KEEP_CACHE : 0;
    return reply;
}

int flags_below(int flags) {
    flags &= ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_DIRECT | O_NOFOLLOW | O_APPEND | EXEC_FLAG);
    flags &= ~O_TMPFILE; /* what was made so is opened so, by another mount's passthrough */
    if (is_writeback() && (flags & O_ACCMODE) == O_WRONLY)
        flags = (flags & ~O_ACCMODE) | O_RDWR; /* a page is read before a part of it is written */
    return flags | O_CLOEXEC;
}

static int waits_from_now_on(int fd, int flags) {
    if (fd >= 0 && !(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    return fd;
}

int open_again(int fd, int flags) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int opened = waits_from_now_on(open(path, flags | O_NONBLOCK), flags);
    return opened < 0 ? -errno : opened;
}

/* Somebody may just have put a named pipe there: to open that would wait, and everybody with it. So would a file that
 * somebody has a lease on: EAGAIN (postponed.h). */
int open_plain(int dir, const char *name, int flags) {
    return waits_from_now_on(openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK), flags);
}

/* Whoever has it open for writing is one whom nobody takes a lease from. What else is in the way will be said by what is done. */
int keep_leases_off(int fd) {
    int writing = open_again(fd, O_WRONLY | O_CLOEXEC);
    return writing < 0 && writing != -EAGAIN ? -1 : writing;
}

bool waits_for_lease(int error, int flags) { return error == EAGAIN && !(flags & O_NONBLOCK); }

static void run_fsync(const struct job *job) {
    int error = (job->data_only ? fdatasync(job->fd) : fsync(job->fd)) ? errno : 0;
    if (job->close_it) close(job->fd);
    fuse_reply_err(job->req, error);
}

void answer_fsync(fuse_req_t req, const struct inode *inode, int fd, bool data_only, bool close_it) {
    worker_submit((struct job){
        .run = run_fsync, .dev = inode->dev, .req = req, .fd = fd, .data_only = data_only, .close_it = close_it});
}
