/* Names that come, go and move. They act as the caller, and what loses its name while somebody may still have it open
 * keeps a descriptor. The core is left meanwhile: a directory or a file may be locked below by whoever waits there himself.
 * The kernel lets only one at a time change the names in a directory. */
#include "operations.h"
#include "caller.h"
#include "handle.h"
#include "inode.h"
#include "lineage.h"
#include "lock.h"
#include "postponed.h"
#include "protocol.h"
#include "record.h"
#include "share.h"
#include "stat.h"
#include "virtual.h"
#include "way.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

#define SENT_US 1000000 /* for how long somebody was just sent to look a name up again */

static bool refused(fuse_req_t req, fuse_ino_t parent, const char *name, int for_view_dir) {
    int error = is_virtual(parent) ? EROFS : is_view_dir(parent, name) ? for_view_dir : name_is_plain(name) ? 0 : EINVAL;
    if (error) fuse_reply_err(req, error);
    return error != 0;
}

static void reply_new(fuse_req_t req, struct inode *parent, const char *name, int error) {
    struct fuse_entry_param entry;
    if (!error) error = inode_lookup(parent, name, true, &entry);
    if (error)
        fuse_reply_err(req, error);
    else if (fuse_reply_entry(req, &entry) == -ENOENT)
        inode_forget(inode_of(entry.ino), 1);
}

/* ---- coming -------------------------------------------------------------------------------------------------------- */

static void wait_apart(void) {
    if (!core_seat->shares_umask) core_leave_for_disk();
}

static void wait_no_more(void) {
    if (!core_seat->shares_umask) core_return();
}

/* A descriptor of the directory to change in the caller's name, without the core, until `leave`; negative errno on failure. */
static int enter(fuse_req_t req, struct inode *dir) {
    int fd = dir_acquire(dir);
    if (fd < 0) return fd;
    caller_become(req, fd, -1);
    wait_apart();
    return fd;
}

/* Takes the result of the one system call between; the error, or 0. */
static int leave(struct inode *dir, long result) {
    int error = result < 0 ? errno : 0;
    wait_no_more();
    caller_restore();
    dir_release(dir);
    return error;
}

static void c_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev) {
    if (refused(req, parent, name, EEXIST)) return;
    struct inode *dir = inode_of(parent);
    if (S_ISREG(mode)) record_expect(req, dir, name);
    int fd = enter(req, dir);
    if (fd >= 0 && (S_ISCHR(mode) || S_ISBLK(mode))) caller_may_make_devices();
    int error = fd < 0 ? -fd : leave(dir, mknodat(fd, name, mode, rdev));
    if (!error && S_ISREG(mode)) record_create(0, req, dir, name);
    reply_new(req, dir, name, error);
}

static void c_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode) {
    if (refused(req, parent, name, EEXIST)) return;
    struct inode *dir = inode_of(parent);
    int fd = enter(req, dir);
    reply_new(req, dir, name, fd < 0 ? -fd : leave(dir, mkdirat(fd, name, mode)));
}

static void c_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name) {
    if (refused(req, parent, name, EEXIST)) return;
    struct inode *dir = inode_of(parent);
    int fd = enter(req, dir);
    reply_new(req, dir, name, fd < 0 ? -fd : leave(dir, symlinkat(target, fd, name)));
}

/* Opens or makes the file; *made says which. The kernel sends CREATE for names that it did not know a moment ago. */
static int create_at(int dir, const char *name, int flags, mode_t mode, bool *made) {
    int below = flags_below(flags);
    int fd = openat(dir, name, below | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    *made = fd >= 0;
    if (fd < 0 && errno == EEXIST && !(flags & O_EXCL)) {
        fd = open_plain(dir, name, below | (flags & O_TRUNC));
        if (fd < 0 && errno == EPERM && flags & O_APPEND && !is_writeback()) fd = open_plain(dir, name, below | O_APPEND | (flags & O_TRUNC));
    }
    return fd;
}

static int reply_created(fuse_req_t req, const struct fuse_entry_param *entry, struct handle *handle) {
    const struct stat *st = &entry->attr;
    struct {
        struct fuse_entry_out entry;
        struct open_reply open;
    } reply = {.entry = {.nodeid = entry->ino,
                         .generation = entry->generation,
                         .attr = {.ino = st->st_ino,
                                  .size = (uint64_t)st->st_size,
                                  .blocks = (uint64_t)st->st_blocks,
                                  .atime = (uint64_t)st->st_atim.tv_sec,
                                  .mtime = (uint64_t)st->st_mtim.tv_sec,
                                  .ctime = (uint64_t)st->st_ctim.tv_sec,
                                  .atimensec = (uint32_t)st->st_atim.tv_nsec,
                                  .mtimensec = (uint32_t)st->st_mtim.tv_nsec,
                                  .ctimensec = (uint32_t)st->st_ctim.tv_nsec,
                                  .mode = st->st_mode,
                                  .nlink = (uint32_t)st->st_nlink,
                                  .uid = st->st_uid,
                                  .gid = st->st_gid,
                                  .blksize = (uint32_t)st->st_blksize}},
               .open = handle_reply(handle)};
    split_seconds(entry->entry_timeout, &reply.entry.entry_valid, &reply.entry.entry_valid_nsec);
    split_seconds(entry->attr_timeout, &reply.entry.attr_valid, &reply.entry.attr_valid_nsec);
    return fuse_reply_buf(req, (const char *)&reply, sizeof reply);
}

static void answer_created(fuse_req_t req, struct inode *dir, const char *name, int fd, bool made,
                           struct fuse_file_info *fi) {
    struct fuse_entry_param entry;
    struct statx stx;
    int error = stat_fd(fd, &stx);
    if (!error) inode_adopt(dir, name, &stx, &entry);
    struct handle *handle = error || !entry.ino ? NULL : handle_new(req, inode_of(entry.ino), fd, fi->flags, &stx);
    if (!handle) {
        close(fd);
        share_give(fuse_req_ctx(req)->uid);
        fuse_reply_err(req, error ? error : ENOMEM);
        return;
    }
    handle->fresh = made || (fi->flags & O_TRUNC);
    if (ring_recording())
        handle->process = name && handle->fresh ? record_create(made ? 0 : EVENT_TRUNCATED, req, dir, name)
                                                : lineage_number(fuse_req_ctx(req)->pid);
    if (reply_created(req, &entry, handle) == -ENOENT) {
        struct inode *inode = handle->inode;
        inode_reference(inode);
        handle_close(handle);
        inode_forget(inode, 1);
        inode_unreference(inode);
    }
}

/* Never twice in a row: it would be an error for whoever asks. */
static bool is_to_look_again(pid_t tid) {
    static struct {
        pid_t tid;
        uint64_t until_us;
    } sent[64], *last;
    uint64_t now = now_us();
    last = &sent[(unsigned)tid % 64];
    bool was_sent = last->tid == tid && now < last->until_us;
    last->tid = tid;
    last->until_us = was_sent ? 0 : now + SENT_US;
    return !was_sent;
}

/* The kernel asks for a file without a name under the name "/" (see session.c). */
static void c_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi) {
    bool nameless = strcmp(name, "/") == 0, made = nameless;
    if (refused(req, parent, nameless ? "nameless" : name, EEXIST)) return;
    struct inode *dir = inode_of(parent);
    uint32_t uid = fuse_req_ctx(req)->uid;
    if (!share_take(uid)) {
        fuse_reply_err(req, EMFILE);
        return;
    }
    record_expect(req, dir, nameless ? NULL : name);
    int fd = -1, in = enter(req, dir), error = in < 0 ? -in : 0;
    if (!error) {
        fd = nameless ? openat(in, ".", flags_below(fi->flags) | O_TMPFILE, mode) : create_at(in, name, fi->flags, mode, &made);
        error = leave(dir, fd);
    }
    if (error) {
        share_give(uid);
        if (waits_for_lease(error, fi->flags) && !postponed_before() && is_to_look_again(fuse_req_ctx(req)->pid)) {
            error = ESTALE; /* upon which the kernel finds the file, and opens it: its directory is not locked meanwhile */
        } else if (waits_for_lease(error, fi->flags)) {
            record_who(req); /* now: it is not looked at later */
            error = postpone(req, NULL);
        }
        if (error) fuse_reply_err(req, error);
    } else {
        answer_created(req, dir, nameless ? NULL : name, fd, made, fi);
    }
}

static void c_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name) {
    if (refused(req, parent, name, EEXIST)) return;
    REFUSE_VIRTUAL(ino, EXDEV);
    struct inode *dir = inode_of(parent), *inode = inode_of(ino);
    char before[PATH_SIZE];
    struct way old;
    struct statx was = {.stx_nlink = 0};
    uint32_t process = record_who(req);
    int before_size = -1, error = way_begin(&old, inode);
    if (!error) {
        stat_fd(old.fd, &was);
        int fd = dir_acquire(dir);
        if (fd < 0) {
            error = -fd;
        } else {
            caller_become(req, fd, -1);
            way_leave(&old);
            if (linkat(AT_FDCWD, old.path, fd, name, AT_SYMLINK_FOLLOW)) error = errno;
            way_return(&old);
            caller_restore();
            dir_release(dir);
        }
        way_end(&old);
    }
    if (!error && ring_recording()) before_size = inode_path(inode, NULL, before, sizeof before); /* as it is called by now */
    if (!error) record_two(LINK, 0, process, req, before, before_size, dir, name);
    if (!error && was.stx_nlink == 1) inode_linked(inode);
    reply_new(req, dir, name, error);
}

/* ---- going --------------------------------------------------------------------------------------------------------- */

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags) {
    if (refused(req, parent, name, EROFS)) return;
    struct inode *dir = inode_of(parent);
    uint32_t process = flags ? PROCESS_UNKNOWN : record_who_at(req, dir, name);
    int fd = dir_acquire(dir), error = fd < 0 ? -fd : 0;
    if (!error) {
        struct inode *victim = inode_pin(fd, name, fuse_req_ctx(req)->uid);
        caller_become(req, fd, -1);
        wait_apart();
        error = leave(dir, unlinkat(fd, name, flags));
        if (!error && !flags) record_unlink(process, req, dir, name);
        if (!error && victim) {
            inode_moved(victim, dir, name, NULL, NULL);
            inode_unname(victim, dir, name);
        }
        if (victim) inode_settle(victim); /* it may have another link */
    }
    fuse_reply_err(req, error);
}

static void c_unlink(fuse_req_t req, fuse_ino_t parent, const char *name) {
    DELEGATE(parent, unlink, req, parent, name);
    remove_name(req, parent, name, 0);
}

static void c_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name) { remove_name(req, parent, name, AT_REMOVEDIR); }

/* ---- moving -------------------------------------------------------------------------------------------------------- */

/* Two names that change places are, for the log, three renames. */
static void record_rename(uint32_t process, fuse_req_t req, struct inode *from, const char *name, struct inode *to,
                          const char *to_name, bool exchange, unsigned kind) {
    char path[PATH_SIZE], aside[256];
    int size = inode_path(from, name, path, sizeof path);
    if (!exchange) {
        record_two(RENAME, kind, process, req, path, size, to, to_name);
        return;
    }
    snprintf(aside, sizeof aside, "%.240s.exchange", name);
    record_two(RENAME, kind, process, req, path, size, from, aside);
    size = inode_path(to, to_name, path, sizeof path);
    record_two(RENAME, kind, process, req, path, size, from, name);
    size = inode_path(from, aside, path, sizeof path);
    record_two(RENAME, kind, process, req, path, size, to, to_name);
}

static int rename_at(struct inode *from, const char *name, struct inode *to, const char *to_name, unsigned flags,
                     fuse_req_t req) {
    uint32_t process = record_who(req);
    int from_fd = dir_acquire(from);
    if (from_fd < 0) return -from_fd;
    int to_fd = dir_acquire(to), error = to_fd < 0 ? -to_fd : 0;
    if (!error) {
        bool exchange = flags & RENAME_EXCHANGE;
        struct inode *moved = inode_at(from_fd, name);
        struct inode *victim = exchange ? NULL : inode_pin(to_fd, to_name, fuse_req_ctx(req)->uid);
        struct inode *other = exchange ? inode_at(to_fd, to_name) : NULL;
        unsigned kind = moved && moved->type == S_IFDIR ? EVENT_DIRECTORY : 0;
        bool same = victim && victim == moved; /* two links of one file: nothing happens */
        const struct place there = {to, to_name}, back = {from, name};
        if (moved) moved->next = &there;
        if (other) other->next = &back;
        caller_become(req, from_fd, to_fd);
        core_leave_for_disk();
        if (flags ? syscall(SYS_renameat2, from_fd, name, to_fd, to_name, flags) : renameat(from_fd, name, to_fd, to_name))
            error = errno;
        core_return();
        caller_restore();
        if (moved) moved->next = NULL;
        if (other) other->next = NULL;
        if (!error && !same) {
            record_rename(process, req, from, name, to, to_name, exchange, kind);
            if (victim) inode_moved(victim, to, to_name, NULL, NULL);
            if (victim) inode_unname(victim, to, to_name);
            if (moved) inode_moved(moved, from, name, to, to_name);
            if (other) inode_moved(other, to, to_name, from, name);
            if (moved) inode_rename(moved, to, to_name);
            if (other) inode_rename(other, from, name);
        }
        if (moved) inode_settle(moved);
        if (victim) inode_settle(victim);
        if (other) inode_settle(other);
        dir_release(to);
    }
    dir_release(from);
    return error;
}

static void c_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *to_name,
                     unsigned flags) {
    if (is_virtual(parent) && is_virtual(to)) {
        fuse_reply_err(req, EROFS);
    } else if (is_virtual(parent) || is_virtual(to)) {
        fuse_reply_err(req, EXDEV);
    } else if (!refused(req, parent, name, EROFS) && !refused(req, to, to_name, EROFS)) {
        fuse_reply_err(req, rename_at(inode_of(parent), name, inode_of(to), to_name, flags, req));
    }
}

void operations_names(struct fuse_lowlevel_ops *ops) {
    ops->mknod = c_mknod;
    ops->mkdir = c_mkdir;
    ops->symlink = c_symlink;
    ops->create = c_create;
    ops->link = c_link;
    ops->unlink = c_unlink;
    ops->rmdir = c_rmdir;
    ops->rename = c_rename;
}
