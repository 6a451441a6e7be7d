/* Open files: what is read and written, and when they are closed. */
#include "operations.h"
#include "caller.h"
#include "configuration.h"
#include "handle.h"
#include "libfuse.h"
#include "lineage.h"
#include "lock.h"
#include "passthrough.h"
#include "postponed.h"
#include "processes.h"
#include "protocol.h"
#include "record.h"
#include "share.h"
#include "stat.h"
#include "virtual.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define SPLICE_FROM (64 << 10) /* bytes; below, copying is cheaper than setting up a pipe */

#define COPY_SLICE (16u << 20)
#define OPEN_ATTEMPTS 3 /* by the name that it has then */

#define WAITS_US 20000      /* a write that took longer has waited for the disk (or, rarely, for a processor), */
#define STILL_WAITS_US 5000 /* and one that is done aside for that reason, */
#define MOST_ASIDE 12       /* of all the threads that a filesystem has: some are left to those who read */
#define ASIDE_US 2000000    /* so that for so long after it writes are done aside */

static char read_buffer[SPLICE_FROM];

/* Whatever stands there. The disk may be waited for, and what has another name and another parent then. */
static int open_by_name(const struct inode *inode, int flags, struct statx *stx, int *error) {
    struct inode *parent = inode->parent;
    char name[NAME_SIZE];
    *error = ESTALE;
    if (!parent) return -1;
    snprintf(name, sizeof name, "%s", inode->name);
    int dir = dir_acquire(parent);
    if (dir < 0) return -1;
    inode_reference(parent);
    core_leave_for_disk();
    int fd = open_plain(dir, name, flags);
    *error = fd < 0 ? errno : stat_fd(fd, stx);
    core_return();
    dir_release(parent);
    inode_unreference(parent);
    return fd;
}

/* By its name, checked to be the one; what has no name any more is reached through a descriptor of it. */
static int open_inode(struct inode *inode, int flags, struct statx *stx) {
    int error = ESTALE, fd;
    for (unsigned attempts = OPEN_ATTEMPTS; inode->fd < 0 && attempts; attempts--) { /* it may lose its name meanwhile */
        unsigned long before = core_turn();
        fd = open_by_name(inode, flags, stx, &error);
        if (error == ENOENT || error == ELOOP || error == ENXIO || (!error && !inode_is(inode, stx))) error = ESTALE;
        if (!error) return fd;
        if (fd >= 0) close(fd);
        if (error != ESTALE || !inode_has_moved(inode, before)) break;
    }
    /* EACCES: the way to it was closed since somebody opened it, or it was itself, which will be said again. */
    int other = error == ESTALE ? inode->fd : -1;
    if (other < 0 && (error == ESTALE || error == EACCES) && inode->handles) other = inode->handles->fd;
    fd = other < 0 ? -error : open_again(other, flags);
    if (fd < 0 || !(error = stat_fd(fd, stx))) return fd;
    close(fd);
    return -error;
}

static int truncate_opened(fuse_req_t req, int fd, int flags, struct statx *stx) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (ring_recording()) lineage_number(fuse_req_ctx(req)->pid); /* who waits for a disk may not look at anybody after that */
    caller_become(req, fd, -1);
    core_leave_for_disk(); /* this descriptor is nobody else's yet */
    bool by_path = (flags & O_ACCMODE) == O_RDONLY;
    int kept = by_path ? keep_leases_off(fd) : -1;
    int error = kept == -EAGAIN ? EAGAIN : (by_path ? truncate(path, 0) : ftruncate(fd, 0)) ? errno : 0;
    if (kept >= 0) close(kept);
    core_return();
    caller_restore();
    return error ? error : stat_fd(fd, stx);
}

static void c_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    DELEGATE(ino, open, req, ino, fi);
    struct inode *inode = inode_of(ino);
    struct statx stx;
    /* No flags at all: the kernel itself opens it, to ask for the file's attributes (lsattr), and would not come again. */
    if (fi->flags && !postponed_before() && ring_recording() && inode_is_to_be_looked_up(inode, fuse_req_ctx(req)->pid)) {
        fuse_reply_err(req, ESTALE); /* upon which the kernel looks the name up, and opens again */
        return;
    }
    uint32_t uid = fuse_req_ctx(req)->uid;
    if (!share_take(uid)) {
        fuse_reply_err(req, EMFILE);
        return;
    }
    int fd = open_inode(inode, flags_below(fi->flags), &stx);
    if (fd == -EPERM && fi->flags & O_APPEND && !is_writeback()) /* chattr +a */
        fd = open_inode(inode, flags_below(fi->flags) | O_APPEND, &stx);
    if (fd == -EACCES && is_writeback()) fd = open_inode(inode, (fi->flags & (O_ACCMODE | O_APPEND)) | O_CLOEXEC, &stx);
    int error = fd < 0 ? -fd : fi->flags & O_TRUNC ? truncate_opened(req, fd, fi->flags, &stx) : 0;
    struct handle *handle = error ? NULL : handle_new(req, inode, fd, fi->flags, &stx);
    if (!error && !handle) error = ENOMEM;
    if (error) {
        if (fd >= 0) close(fd);
        share_give(uid);
        if (waits_for_lease(error, fi->flags)) {
            record_who(req); /* now: it is not looked at later */
            error = postpone(req, inode);
        }
        if (error) fuse_reply_err(req, error);
        return;
    }
    handle->fresh = (fi->flags & O_TRUNC) != 0;
    handle->process = record_open(req, fi->flags, inode); /* while the process waits: it may be gone right after */
    struct open_reply reply = handle_reply(handle);
    if (fuse_reply_buf(req, (const char *)&reply, sizeof reply) == -ENOENT) handle_close(handle); /* interrupted: no release will come */
}

static void c_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    DELEGATE(ino, release, req, ino, fi);
    struct handle *handle = handle_of(fi);
    bool wrote = passthrough_wrote(handle);
    if (handle->dirty || handle->fresh || wrote)
        record_write(handle);
    else if ((handle->flags & O_ACCMODE) == O_RDONLY)
        record_read(handle);
    if (wrote || (is_exclusive() && passthrough_writable(handle->inode))) libfuse_invalidate(inode_number(handle->inode));
    struct statx stx;
    if (!handle->passthrough && (handle->flags & O_ACCMODE) != O_RDONLY && !stat_fd(handle->fd, &stx)) {
        handle->changed = stx.stx_ctime;
        handle_is_cached(handle); /* what it wrote is, too */
    }
    handle_close(handle);
    fuse_reply_err(req, 0);
}

/* Who writes may not be who opened: a shell opens the output and becomes the program. */
static void confirm_writer(fuse_req_t req, struct handle *handle) {
    pid_t pid = fuse_req_ctx(req)->pid;
    if (handle->confirmed || !ring_recording() || !pid) return;
    if (handle->process == PROCESS_UNKNOWN && record_leaves_out(handle->inode, NULL)) return;
    uint32_t process = lineage_refresh_pipes(pid);
    if (process != PROCESS_UNKNOWN) handle->process = process;
    handle->confirmed = true;
}

static void c_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    DELEGATE(ino, flush, req, ino, fi);
    struct handle *handle = handle_of(fi);
    int error = 0;
    pid_t pid = fuse_req_ctx(req)->pid;
    bool wrote = passthrough_wrote(handle), can_map = (handle->flags & O_ACCMODE) == O_RDWR;
    if (wrote && can_map) libfuse_invalidate(inode_number(handle->inode)); /* the kernel keeps no account of maps here */
    if (handle->dirty || wrote) {
        if (ring_recording() && !lineage_is_still(pid, handle->process) && !process_is_becoming(pid)) confirm_writer(req, handle);
        int duplicate = dup(handle->fd); /* some filesystems say at close that a write failed, and bring it to the disk then */
        core_leave_for_disk();
        error = duplicate >= 0 && close(duplicate) ? errno : 0;
        core_return();
        record_write(handle);
        handle->confirmed = false;
    } else if (ring_recording() && (handle->flags & O_ACCMODE) != O_RDONLY && !process_is_becoming(pid)) {
        lineage_redirected(pid); /* closed, and open elsewhere: as the standard output, most likely */
    }
    fuse_reply_err(req, error);
}

static void splice_read(fuse_req_t req, int fd, size_t size, off_t off) {
    struct fuse_bufvec source = FUSE_BUFVEC_INIT(size);
    source.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    source.buf[0].fd = fd;
    source.buf[0].pos = off;
    fuse_reply_data(req, &source, FUSE_BUF_SPLICE_MOVE);
}

static void reply_read(fuse_req_t req, const char *data, ssize_t got) {
    if (got < 0)
        fuse_reply_err(req, errno);
    else
        fuse_reply_buf(req, data, (size_t)got);
}

/* Whether a filesystem that cannot say what it has in memory has all of it there. */
static enum reading reading_of(int fd) {
    struct statfs below;
    bool in_memory = fstatfs(fd, &below) == 0 && (below.f_type == TMPFS_MAGIC || below.f_type == RAMFS_MAGIC);
    return in_memory ? READING_AT_ONCE : READING_WAITS;
}

static void run_read(const struct job *job) {
    char data[SPLICE_FROM];
    if (job->handle->reading == READING_UNKNOWN) job->handle->reading = reading_of(job->fd);
    if (job->size > sizeof data)
        splice_read(job->req, job->fd, job->size, job->off);
    else
        reply_read(job->req, data, pread(job->fd, data, job->size, job->off));
}

/* pread() of what is in memory; EAGAIN where a disk, or another machine, must bring some of it. */
static ssize_t read_cached(struct handle *handle, char *data, size_t size, off_t off) {
    if (handle->reading == READING_AT_ONCE) return pread(handle->fd, data, size, off);
    bool may_ask = handle->reading == READING_ASKS;
    ssize_t got = may_ask ? preadv2(handle->fd, &(struct iovec){data, size}, 1, off, RWF_NOWAIT) : -1;
    if (!may_ask || (got < 0 && errno == EOPNOTSUPP)) {
        if (may_ask) handle->reading = READING_UNKNOWN;
        errno = EAGAIN;
        return -1;
    }
    if (got < 0 || (size_t)got == size) return got;
    char *rest = data + got; /* the end of the file, or of what is in memory */
    if (preadv2(handle->fd, &(struct iovec){rest, size - (size_t)got}, 1, off + got, RWF_NOWAIT) == 0) return got;
    errno = EAGAIN;
    return -1;
}

/* As far as its first and last byte tell. */
static bool is_in_memory(struct handle *handle, size_t size, off_t off) {
    char byte;
    ssize_t last = read_cached(handle, &byte, 1, off + (off_t)size - 1);
    return last > 0 || (last == 0 && read_cached(handle, &byte, 1, off) >= 0);
}

static void c_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi) {
    DELEGATE(ino, read, req, ino, size, off, fi);
    struct handle *handle = handle_of(fi);
    bool is_small = size <= sizeof read_buffer;
    ssize_t got = is_small ? read_cached(handle, read_buffer, size, off) : -1;
    if (is_small ? got < 0 && errno == EAGAIN : !is_in_memory(handle, size, off))
        worker_submit((struct job){
            .run = run_read, .dev = handle->inode->dev, .req = req, .handle = handle, .fd = handle->fd, .size = size, .off = off});
    else if (is_small)
        reply_read(req, read_buffer, got);
    else
        splice_read(req, handle->fd, size, off);
}

/* Who has written more than the disk takes is made to wait in the system call, and everybody would wait with him: once
 * that was seen, writes are done aside for a while. */
static _Atomic uint64_t aside_until_us;
static _Atomic unsigned aside_count; /* each holds a copy of what is to be written, and a thread */

static ssize_t write_there(struct fuse_bufvec *in, int fd, off_t off, unsigned long long waits_us) {
    struct fuse_bufvec out = FUSE_BUFVEC_INIT(fuse_buf_size(in));
    out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    out.buf[0].fd = fd;
    out.buf[0].pos = off;
    uint64_t begun = now_us();
    ssize_t written = fuse_buf_copy(&out, in, 0);
    uint64_t now = now_us();
    if (now - begun > waits_us) aside_until_us = now + ASIDE_US;
    return written;
}

/* The descriptor itself does not append, for the kernel also has pages written by it that are somewhere in the file.
 * Not aside: several at a time, as of one large O_DIRECT write, would come to the end of the file in any order. */
static ssize_t append_there(const struct fuse_bufvec *in, int fd) {
    const struct fuse_buf *data = &in->buf[in->idx]; /* one, in memory: see c_init */
    struct iovec rest = {(char *)data->mem + in->off, data->size - in->off};
    ssize_t written = pwritev2(fd, &rest, 1, 0, RWF_APPEND);
    return written < 0 ? -errno : written;
}

static void reply_written(fuse_req_t req, ssize_t written) {
    if (written < 0)
        fuse_reply_err(req, (int)-written);
    else
        fuse_reply_write(req, (size_t)written);
}

static void run_write(const struct job *job) {
    struct fuse_bufvec data = FUSE_BUFVEC_INIT(job->size);
    data.buf[0].mem = job->data;
    if (job->as_caller) caller_become_user(job->req);
    ssize_t written = write_there(&data, job->fd, job->off, STILL_WAITS_US);
    caller_restore();
    free(job->data);
    aside_count--;
    reply_written(job->req, written);
}

static bool is_done_aside(fuse_req_t req, struct fuse_bufvec *in, off_t off, const struct fuse_file_info *fi) {
    if (!aside_until_us || aside_count >= MOST_ASIDE) return false;
    if (now_us() >= aside_until_us) aside_until_us = 0;
    const struct handle *handle = handle_of(fi);
    struct job job = {.run = run_write, .dev = handle->inode->dev, .req = req, .fd = handle->fd, .off = off};
    job.size = fuse_buf_size(in);
    job.as_caller = !fi->writepage;
    struct fuse_bufvec copy = FUSE_BUFVEC_INIT(job.size);
    if (!aside_until_us || !(job.data = copy.buf[0].mem = malloc(job.size))) return false;
    fuse_buf_copy(&copy, in, 0);
    aside_count++;
    worker_submit(job);
    return true;
}

static void c_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in, off_t off, struct fuse_file_info *fi) {
    REFUSE_VIRTUAL(ino, EROFS);
    struct handle *handle = handle_of(fi);
    bool by_groups = handle->inode->setgid && !fi->writepage; /* whether the bit goes depends on them */
    if (!fi->writepage) confirm_writer(req, handle); /* otherwise the kernel flushes its cache and nobody asks */
    handle->dirty = true;
    bool appends = !fi->writepage && fi->flags & O_APPEND && !is_writeback(); /* as it is now: a program may change its mind */
    if (!by_groups && !appends && is_done_aside(req, in, off, fi)) return;
    if (by_groups)
        caller_become(req, handle->fd, -1);
    else if (!fi->writepage)
        caller_become_user(req);
    core_leave_for_disk(); /* nobody else has to do with this file's descriptor, nor with what is to be written */
    ssize_t written = appends ? append_there(in, handle->fd) : write_there(in, handle->fd, off, WAITS_US);
    core_return();
    caller_restore();
    reply_written(req, written);
}

static void c_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi) {
    DELEGATE(ino, fsync, req, ino, data_only, fi);
    answer_fsync(req, handle_of(fi)->inode, handle_of(fi)->fd, data_only != 0, false);
}

static void c_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi) {
    REFUSE_VIRTUAL(ino, ENOSYS);
    if (is_writeback()) { /* the kernel has data of which the file below knows nothing yet: it shall call all of it data */
        fuse_reply_err(req, ENOSYS);
        return;
    }
    off_t found = lseek(handle_of(fi)->fd, off, whence);
    if (found < 0)
        fuse_reply_err(req, errno);
    else
        fuse_reply_lseek(req, found);
}

static void c_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t length, struct fuse_file_info *fi) {
    REFUSE_VIRTUAL(ino, EROFS);
    struct handle *handle = handle_of(fi);
    caller_become(req, handle->fd, -1);
    core_leave_for_disk();
    int error = fallocate(handle->fd, mode, off, length) ? errno : 0;
    core_return();
    caller_restore();
    if (!error) handle->dirty = true;
    fuse_reply_err(req, error);
}

/* An inode's flags (lsattr, chattr) and version, the filesystem's label; the kernel opens the file for it, a directory as
 * well. Programs give an int for the version, whatever the number of the command says. */
static void c_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned command, void *arg, struct fuse_file_info *fi, unsigned flags,
                    const void *in, size_t in_size, size_t out_size) {
    REFUSE_VIRTUAL(ino, ENOTTY);
    (void)arg, (void)out_size;
    if (command == FS_IOC32_GETVERSION && flags & FUSE_IOCTL_COMPAT) command = FS_IOC_GETVERSION; /* of a 32-bit program */
    bool is_set = command == FS_IOC_SETFLAGS || command == FS_IOC_FSSETXATTR;
    bool is_int = command == FS_IOC_GETFLAGS || command == FS_IOC_SETFLAGS || command == FS_IOC_GETVERSION;
    size_t size = is_int                                                         ? sizeof(unsigned)
                  : command == FS_IOC_FSGETXATTR || command == FS_IOC_FSSETXATTR ? sizeof(struct fsxattr)
                  : command == FS_IOC_GETFSLABEL                                 ? FSLABEL_MAX
                                                                                 : 0;
    union {
        unsigned flags;
        struct fsxattr extended;
        char label[FSLABEL_MAX];
    } value;
    if (!size || (is_set && in_size < size)) {
        fuse_reply_err(req, ENOTTY);
        return;
    }
    memset(&value, 0, sizeof value);
    if (is_set) memcpy(&value, in, size);
    bool owned = false;
    int fd = flags & FUSE_IOCTL_DIR ? listing_fd(ino, fi, &owned) : handle_of(fi)->fd;
    if (is_set) caller_become_user(req);
    int result = fd < 0 ? -1 : ioctl(fd, command, &value), error = fd < 0 ? -fd : result < 0 ? errno : 0;
    caller_restore();
    if (owned && fd >= 0) close(fd);
    if (is_set && !error) libfuse_invalidate(ino); /* its change time moved */
    if (error)
        fuse_reply_err(req, error);
    else
        fuse_reply_ioctl(req, result, is_set ? NULL : &value, is_set ? 0 : size);
}

/* A slice at a time, and behind what others wait for: a flush shall not have to wait for gigabytes. */
static void run_copy(const struct job *job) {
    struct job rest = *job;
    size_t slice = rest.size < COPY_SLICE ? rest.size : COPY_SLICE;
    ssize_t copied = copy_file_range(rest.fd, &rest.off, rest.fd_out, &rest.off_out, slice, 0);
    if (copied > 0) {
        rest.done += (size_t)copied;
        rest.size -= (size_t)copied;
    }
    if (copied == (ssize_t)slice && rest.size && !fuse_req_interrupted(rest.req))
        worker_submit(rest);
    else if (copied < 0 && !rest.done)
        fuse_reply_err(rest.req, errno);
    else
        fuse_reply_write(rest.req, rest.done);
}

static void c_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in, struct fuse_file_info *fi_in,
                              fuse_ino_t ino_out, off_t off_out, struct fuse_file_info *fi_out, size_t size, int flags) {
    (void)flags; /* none is defined */
    if (is_virtual(ino_in) || is_virtual(ino_out)) {
        fuse_reply_err(req, EXDEV); /* the kernel copies by reading and writing */
        return;
    }
    const struct handle *in = handle_of(fi_in);
    struct handle *out = handle_of(fi_out);
    confirm_writer(req, out);
    out->dirty = true;
    worker_submit((struct job){.run = run_copy,
                               .dev = in->inode->dev,
                               .req = req,
                               .fd = in->fd,
                               .off = off_in,
                               .fd_out = out->fd,
                               .off_out = off_out,
                               .size = size});
}

void operations_data(struct fuse_lowlevel_ops *ops) {
    ops->open = c_open;
    ops->release = c_release;
    ops->flush = c_flush;
    ops->read = c_read;
    ops->write = NULL;
    ops->write_buf = c_write_buf;
    ops->fsync = c_fsync;
    ops->lseek = c_lseek;
    ops->fallocate = c_fallocate;
    ops->copy_file_range = c_copy_file_range;
    ops->ioctl = c_ioctl;
    ops->poll = NULL; /* a regular file is always ready: the kernel says so itself after one ENOSYS */
}
