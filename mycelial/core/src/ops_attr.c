/* What is known of a file: attributes, links, extended attributes, the filesystem's figures. */
#include "operations.h"
#include "caller.h"
#include "configuration.h"
#include "handle.h"
#include "lineage.h"
#include "postponed.h"
#include "proc.h"
#include "record.h"
#include "stat.h"
#include "statx.h"
#include "virtual.h"
#include "way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OWN_XATTRS "user.mycelial."

static void reply_attr(fuse_req_t req, struct inode *inode, const struct handle *handle) {
    struct statx stx;
    struct stat st;
    int error = handle ? handle_stat(handle, &stx) : inode_stat(inode, &stx);
    if (error) {
        fuse_reply_err(req, error);
        return;
    }
    inode_seen(inode, &stx);
    stat_from_statx(&stx, &st);
    fuse_reply_attr(req, &st, attr_timeout(inode));
}

static void c_lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
    struct fuse_entry_param entry;
    if (is_virtual(parent) || is_view_dir(parent, name)) {
        python_ops.lookup(req, parent, name);
        return;
    }
    int error = inode_lookup(inode_of(parent), name, true, &entry);
    if (error == ENOENT && is_exclusive()) {
        entry = (struct fuse_entry_param){.entry_timeout = configuration.timeout}; /* number 0: there is nothing, for so long */
        fuse_reply_entry(req, &entry);
    } else if (error)
        fuse_reply_err(req, error);
    else {
        inode_looked_up(inode_of(entry.ino), inode_of(parent), name, fuse_req_ctx(req)->pid);
        if (fuse_reply_entry(req, &entry) == -ENOENT)
            inode_forget(inode_of(entry.ino), 1); /* interrupted: the kernel does not know it */
    }
}

static void forget_one(fuse_ino_t ino, uint64_t lookups) {
    if (is_virtual(ino))
        forget_virtual(ino, lookups);
    else
        inode_forget(inode_of(ino), lookups);
}

static void c_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups) {
    forget_one(ino, lookups);
    fuse_reply_none(req);
}

static void c_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets) {
    for (size_t i = 0; i < count; i++) forget_one(forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static void c_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    if (is_virtual(ino) && !statx_expect(req)) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    DELEGATE(ino, getattr, req, ino, fi);
    reply_attr(req, inode_of(ino), fi ? handle_of(fi) : NULL);
}

static int set_times(const char *path, const struct stat *wanted, int which) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
    if (which & FUSE_SET_ATTR_ATIME_NOW)
        times[0].tv_nsec = UTIME_NOW;
    else if (which & FUSE_SET_ATTR_ATIME)
        times[0] = wanted->st_atim;
    if (which & FUSE_SET_ATTR_MTIME_NOW)
        times[1].tv_nsec = UTIME_NOW;
    else if (which & FUSE_SET_ATTR_MTIME)
        times[1] = wanted->st_mtim;
    return utimensat(AT_FDCWD, path, times, 0);
}

static int change_times(const struct way *way, const struct stat *wanted, int which) {
    way_leave(way);
    int error = set_times(way->path, wanted, which) ? errno : 0;
    way_return(way);
    return error;
}

static int change_owner(const struct way *way, uid_t uid, gid_t gid) {
    way_leave(way);
    int error = fchownat(way->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? errno : 0;
    way_return(way);
    return error;
}

static int change_mode(const struct way *way, mode_t mode) {
    way_leave(way);
    int error = chmod(way->path, mode) ? errno : 0;
    way_return(way);
    return error;
}

static bool is_open_for_writing(const struct inode *inode) {
    for (const struct handle *handle = inode->handles; handle; handle = handle->next)
        if ((handle->flags & O_ACCMODE) != O_RDONLY) return true;
    return false;
}

/* To set times to now takes the right to write, to any other the owner; and a kernel that collects writes gives its own
 * time for now. It has refused any other to whoever may not set it. */
static int for_now(int which) {
    return (which & FUSE_SET_ATTR_ATIME ? FUSE_SET_ATTR_ATIME_NOW : 0) | (which & FUSE_SET_ATTR_MTIME ? FUSE_SET_ATTR_MTIME_NOW : 0);
}

/* System calls by their numbers. Programs of 32 bits have their own, and any program can make these, too; neither kind has
 * another call under the other's numbers that makes the kernel ask for what is done here. */
struct calls {
    int own[4], of_32_bits[7];
};

#if defined __x86_64__ || defined __i386__
#define OF_32_BITS(...) {__VA_ARGS__}
#else
#define OF_32_BITS(...) {0}
#endif

static const struct calls CHOWN = {
#ifdef SYS_chown
    {SYS_chown, SYS_lchown, SYS_fchown, SYS_fchownat},
#else
    {SYS_fchown, SYS_fchownat},
#endif
    OF_32_BITS(182, 212, 16, 198, 95, 207, 298)};

static const struct calls UTIME = {
#ifdef SYS_utime
    {SYS_utime, SYS_utimes, SYS_futimesat, SYS_utimensat},
#else
    {SYS_utimensat},
#endif
    OF_32_BITS(30, 271, 299, 320, 412)};

static bool is_among(long number, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (calls[i] && number == calls[i]) return true;
    return false;
}

/* Whether the caller waits in one of these, where we may look. */
static bool is_in(pid_t tid, const struct calls *calls) {
    char text[256], *end;
    if (read_proc_apart(text, sizeof text, tid, "syscall") <= 0) return false;
    long number = strtol(text, &end, 10);
    return end != text && (is_among(number, calls->own, sizeof calls->own / sizeof *calls->own) ||
                           is_among(number, calls->of_32_bits, sizeof calls->of_32_bits / sizeof *calls->of_32_bits));
}

/* Nothing to set: the kernel wants setuid, setgid and capabilities gone, for a write or by a chown that changes no owner.
 * A chown that changes nothing does that for whoever may change the file. Who writes need not be one of these. */
static int drop_privileges(fuse_req_t req, const struct inode *inode, const struct way *way) {
    struct statx stx;
    caller_become(req, way->fd, -1);
    int error = change_owner(way, (uid_t)-1, (gid_t)-1);
    caller_restore();
    if (error != EPERM || !is_open_for_writing(inode) || is_in(fuse_req_ctx(req)->pid, &CHOWN)) return error;
    if ((error = change_owner(way, (uid_t)-1, (gid_t)-1))) return error;
    if (stat_fd(way->fd, &stx) || !S_ISREG(stx.stx_mode) || !(stx.stx_mode & S_ISGID) || caller_is_in_group(req, stx.stx_gid)) return 0;
    return change_mode(way, stx.stx_mode & 07777 & ~(mode_t)S_ISGID);
}

static int change_size(const struct way *way, const struct handle *handle, off_t size) {
    way_leave(way); /* to give back the room of a large file takes long */
    int kept = handle ? -1 : keep_leases_off(way->fd);
    int error = kept == -EAGAIN ? EAGAIN : (handle ? ftruncate(way->fd, size) : truncate(way->path, size)) ? errno : 0;
    if (kept >= 0) close(kept);
    way_return(way);
    return error;
}

static int set_attributes(fuse_req_t req, const struct inode *inode, const struct way *way, const struct handle *handle,
                          const struct stat *wanted, int which) {
    if (!which) return drop_privileges(req, inode, way);
    /* Times that the kernel kept come in the name of whoever made it write them, who need not be the owner. */
    bool is_kept = is_writeback() && which == FUSE_SET_ATTR_MTIME && (handle || !is_in(fuse_req_ctx(req)->pid, &UTIME));
    if (!is_kept) caller_become(req, way->fd, -1);
    int error = 0;
    if (which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
        error = change_owner(way, which & FUSE_SET_ATTR_UID ? wanted->st_uid : (uid_t)-1,
                             which & FUSE_SET_ATTR_GID ? wanted->st_gid : (gid_t)-1);
    if (!error && which & FUSE_SET_ATTR_MODE) error = change_mode(way, wanted->st_mode & 07777);
    if (!error && which & FUSE_SET_ATTR_SIZE) {
        error = change_size(way, handle, wanted->st_size);
        if (is_writeback()) caller_restore(); /* the times that come with a size are the kernel's */
    }
    if (!error && which & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) {
        error = change_times(way, wanted, which);
        if (error == EPERM && is_writeback()) error = change_times(way, wanted, which | for_now(which)); /* which it may have been */
    }
    caller_restore();
    return error;
}

static void c_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *wanted, int which, struct fuse_file_info *fi) {
    DELEGATE(ino, setattr, req, ino, wanted, which, fi);
    struct inode *inode = inode_of(ino);
    struct handle *handle = fi ? handle_of(fi) : NULL;
    struct way way = {.fd = handle ? handle->fd : -1, .leaves = true}; /* the kernel closes no file that it asks for */
    which &= ~FUSE_SET_ATTR_CTIME; /* nobody can set it */
    if (which & FUSE_SET_ATTR_SIZE && !handle && ring_recording()) lineage_number(fuse_req_ctx(req)->pid); /* who waits for a disk may not look then */
    int error = handle ? 0 : way_begin(&way, inode);
    if (handle) proc_path(way.path, way.fd);
    if (!error) {
        error = set_attributes(req, inode, &way, handle, wanted, which);
        way_end(&way);
    }
    if (which & FUSE_SET_ATTR_SIZE && !handle && error == EAGAIN && !(error = postpone(req, inode))) return;
    if (error) {
        fuse_reply_err(req, error);
        return;
    }
    if (which & FUSE_SET_ATTR_SIZE) {
        if (handle)
            handle->dirty = true;
        else
            record_inode(WRITE, 0, req, inode);
    }
    reply_attr(req, inode, handle);
}

static void c_readlink(fuse_req_t req, fuse_ino_t ino) {
    DELEGATE(ino, readlink, req, ino);
    char target[4097];
    bool owned;
    int fd = inode_open_path(inode_of(ino), &owned);
    ssize_t size = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof target - 1);
    int error = fd < 0 ? -fd : errno;
    if (owned) close(fd);
    if (size < 0) {
        fuse_reply_err(req, error);
        return;
    }
    target[size] = '\0';
    fuse_reply_readlink(req, target);
}

static void c_statfs(fuse_req_t req, fuse_ino_t ino) {
    struct statvfs figures;
    bool owned = false;
    int fd = inode_open_path(inode_of(is_virtual(ino) || !ino ? FUSE_ROOT_ID : ino), &owned);
    int error = fd < 0 ? -fd : fstatvfs(fd, &figures) ? errno : 0;
    if (owned) close(fd);
    if (error)
        fuse_reply_err(req, error);
    else
        fuse_reply_statfs(req, &figures);
}

/* ---- extended attributes ------------------------------------------------------------------------------------------ */

static bool is_own(const char *name) { return strncmp(name, OWN_XATTRS, sizeof OWN_XATTRS - 1) == 0; }

static void reply_value(fuse_req_t req, const char *value, ssize_t length, size_t size, int error) {
    if (length < 0)
        fuse_reply_err(req, error);
    else if (!size)
        fuse_reply_xattr(req, (size_t)length);
    else if ((size_t)length > size)
        fuse_reply_err(req, ERANGE);
    else
        fuse_reply_buf(req, value, (size_t)length);
}

static void c_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size) {
    if (is_virtual(ino) || (is_own(name) && configuration.view_dir[0])) {
        python_ops.getxattr(req, ino, name, size);
        return;
    }
    static char value[65536];
    char path[PROC_PATH_SIZE];
    bool owned;
    int fd = inode_open_path(inode_of(ino), &owned);
    proc_path(path, fd);
    ssize_t length = fd < 0 ? -1 : getxattr(path, name, value, size ? sizeof value : 0);
    int error = fd < 0 ? -fd : errno;
    if (owned) close(fd);
    /* The kernel asks for ACLs before each permission check: "not supported" would fail the check. */
    if (error == EOPNOTSUPP && (!strcmp(name, "system.posix_acl_access") || !strcmp(name, "system.posix_acl_default")))
        error = ENODATA;
    reply_value(req, value, length, size, error);
}

/* trusted.* is not for everybody; as root we see it in anybody's name. */
static ssize_t hide_trusted(char *names, ssize_t length) {
    ssize_t kept = 0;
    for (ssize_t at = 0; at < length;) {
        ssize_t size = (ssize_t)strnlen(names + at, (size_t)(length - at)) + 1;
        if (strncmp(names + at, "trusted.", 8) != 0) {
            memmove(names + kept, names + at, (size_t)size);
            kept += size;
        }
        at += size;
    }
    return kept;
}

static void c_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size) {
    DELEGATE(ino, listxattr, req, ino, size);
    static char names[65536];
    char path[PROC_PATH_SIZE];
    bool owned;
    int fd = inode_open_path(inode_of(ino), &owned);
    proc_path(path, fd);
    ssize_t length = fd < 0 ? -1 : listxattr(path, names, sizeof names);
    int error = fd < 0 ? -fd : errno;
    if (owned) close(fd);
    if (length > 0 && fuse_req_ctx(req)->uid != 0) length = hide_trusted(names, length);
    reply_value(req, names, length, size, error);
}

static void change_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags) {
    struct way way;
    if (is_own(name)) {
        fuse_reply_err(req, EPERM);
        return;
    }
    int error = way_begin(&way, inode_of(ino));
    if (!error) {
        caller_become(req, way.fd, -1);
        way_leave(&way);
        if (value ? setxattr(way.path, name, value, size, flags) : removexattr(way.path, name)) error = errno;
        way_return(&way);
        caller_restore();
        way_end(&way);
    }
    fuse_reply_err(req, error);
}

static void c_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags) {
    DELEGATE(ino, setxattr, req, ino, name, value, size, flags);
    change_xattr(req, ino, name, value ? value : "", size, flags);
}

static void c_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name) {
    DELEGATE(ino, removexattr, req, ino, name);
    change_xattr(req, ino, name, NULL, 0, 0);
}

void operations_attr(struct fuse_lowlevel_ops *ops) {
    ops->lookup = c_lookup;
    ops->forget = c_forget;
    ops->forget_multi = c_forget_multi;
    ops->getattr = c_getattr;
    ops->setattr = c_setattr;
    ops->readlink = c_readlink;
    ops->statfs = c_statfs;
    ops->getxattr = c_getxattr;
    ops->listxattr = c_listxattr;
    ops->setxattr = c_setxattr;
    ops->removexattr = c_removexattr;
    ops->access = NULL; /* default_permissions: the kernel judges; libfuse answers ENOSYS */
}
