/* Directories as they are read: the positions are the source filesystem's own, so that a listing that goes on while
 * the directory changes behaves as it does below. */
#include "operations.h"
#include "configuration.h"
#include "handle.h"
#include "inode.h"
#include "listing.h"
#include "lock.h"
#include "protocol.h"
#include "share.h"
#include "virtual.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define END_POSITION ((off_t)INT64_MAX) /* after the view directory, which follows the last real entry */

struct raw_entry { /* struct linux_dirent64 */
    uint64_t ino;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

struct listing {
    struct inode *inode; /* of one that is kept, else NULL */
    int fd;
    uint32_t uid; /* who opened it */
    off_t position;       /* that the kernel goes on from, if it took all that it was told */
    off_t begins, reached; /* of the first entry in the buffer, and of the one at `at` */
    size_t at, filled;
    char buffer[32768] __attribute__((aligned(8)));
};

static void begin(struct listing *listing, struct inode *inode, int fd) {
    listing->inode = inode;
    listing->fd = fd;
    listing->position = listing->begins = listing->reached = 0;
    listing->at = listing->filled = 0;
}

static int open_directory(struct inode *inode) {
    int dir = dir_acquire(inode);
    if (dir < 0) return dir;
    core_leave_for_disk();
    int fd = open_again(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* "." would need search permission */
    core_return();
    dir_release(inode);
    return fd;
}

/* ---- opened by the kernel ------------------------------------------------------------------------------------------ */

static struct listing *listing_of(const struct fuse_file_info *fi) { return (struct listing *)(uintptr_t)fi->fh; }

static void close_listing(struct listing *listing) {
    close(listing->fd);
    share_give(listing->uid);
    free(listing);
}

/* Where nobody else changes the source the kernel keeps listings, and need not say when a directory is opened: it is
 * told so once, by ENOSYS, and sees to it that a change made through the mount begins the listing anew. */
static bool is_opened_unasked(void) {
    const uint64_t needed = INIT_NO_OPENDIR_SUPPORT | INIT_AUTO_INVAL_DATA;
    return is_exclusive() && (negotiated.offered & needed) == needed;
}

static void c_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    if (is_opened_unasked()) {
        fuse_reply_err(req, ENOSYS);
        return;
    }
    DELEGATE(ino, opendir, req, ino, fi);
    struct inode *inode = inode_of(ino);
    uint32_t uid = fuse_req_ctx(req)->uid;
    bool has_one = share_take(uid);
    struct listing *listing = malloc(sizeof *listing);
    int fd = !listing ? -ENOMEM : has_one ? open_directory(inode) : -EMFILE;
    if (fd < 0) {
        if (has_one) share_give(uid);
        free(listing);
        fuse_reply_err(req, -fd);
        return;
    }
    begin(listing, NULL, fd);
    listing->uid = uid;
    inode->told_us = 0; /* its access time moves */
    fi->fh = (uint64_t)(uintptr_t)listing;
    if (fuse_reply_open(req, fi) == -ENOENT) close_listing(listing);
}

static void c_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    if (is_virtual(ino)) {
        virtual_releasedir(req, fi);
        return;
    }
    close_listing(listing_of(fi));
    fuse_reply_err(req, 0);
}

/* ---- read without having been opened --------------------------------------------------------------------------------- */

#define KEPT 4
static struct listing kept[KEPT]; /* those that were not at their end yet, so that the next request goes on there */

static void give_up(struct listing *listing) {
    if (!listing->inode) return;
    close(listing->fd);
    inode_unreference(listing->inode);
    listing->inode = NULL;
}

static struct listing *listing_at(struct inode *inode, off_t position, int *error) {
    static unsigned next;
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i].inode == inode && kept[i].position == position) return &kept[i];
    struct listing *listing = &kept[next++ % KEPT];
    int fd = open_directory(inode);
    give_up(listing);
    *error = fd < 0 ? -fd : 0;
    if (fd < 0) return NULL;
    inode_reference(inode);
    begin(listing, inode, fd);
    return listing;
}

void listings_give_up(void) {
    for (unsigned i = 0; i < KEPT; i++) give_up(&kept[i]);
}

int listing_fd(fuse_ino_t ino, const struct fuse_file_info *fi, bool *owned) {
    *owned = !fi->fh;
    return fi->fh ? listing_of(fi)->fd : open_directory(inode_of(ino));
}

static void c_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi) {
    DELEGATE(ino, fsyncdir, req, ino, data_only, fi);
    bool owned;
    int fd = listing_fd(ino, fi, &owned);
    if (fd < 0)
        fuse_reply_err(req, -fd);
    else
        answer_fsync(req, inode_of(ino), fd, data_only != 0, owned);
}

/* ---- read ------------------------------------------------------------------------------------------------------------ */

/* One that is kept may be given up by whoever else reads meanwhile. */
static bool may_wait_in(const struct listing *listing) { return !listing->inode; }

/* The entry at the listing's position; NULL at the end (error 0) or on an error. */
static const struct raw_entry *entry_here(struct listing *listing, int *error) {
    *error = 0;
    if (listing->at >= listing->filled) {
        bool may_wait = may_wait_in(listing);
        if (may_wait) core_leave_for_disk();
        long got = syscall(SYS_getdents64, listing->fd, listing->buffer, sizeof listing->buffer);
        int failed = errno;
        if (may_wait) core_return();
        listing->at = 0;
        listing->begins = listing->reached;
        listing->filled = got > 0 ? (size_t)got : 0;
        if (got < 0 && failed != ENOENT) *error = failed; /* ENOENT: the directory was removed; it is empty */
        if (got <= 0) return NULL;
    }
    return (const struct raw_entry *)(const void *)(listing->buffer + listing->at);
}

/* As far as possible without a seek: to a position whose entry was removed, that leads a tmpfs back to what it has named. */
static int go_to(struct listing *listing, off_t off) {
    if (off && off == listing->position) return 0;
    off_t here = listing->begins;
    size_t at = 0;
    while (here != off && at < listing->filled) {
        const struct raw_entry *entry = (const struct raw_entry *)(const void *)(listing->buffer + at);
        here = entry->next;
        at += entry->size;
    }
    if (!off || here != off) {
        if (lseek(listing->fd, off, SEEK_SET) < 0) return errno;
        at = listing->filled = 0;
    }
    listing->at = at;
    listing->position = listing->reached = off;
    return 0;
}

static bool is_dot(const char *name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

struct answer {
    char *at;
    size_t room;
};

/* Adds one entry with its attributes; false when there is no room left. */
static bool add(fuse_req_t req, struct answer *answer, struct inode *dir, const char *name, uint64_t ino, unsigned type,
                off_t next, bool may_wait) {
    struct fuse_entry_param entry = {.ino = 0};
    /* What the kernel was told a moment ago is only listed: its attributes would be looked at in vain. */
    if (!is_dot(name) && !is_view_dir(inode_number(dir), name) && !inode_is_told(dir, name, ino)) {
        int error = inode_lookup(dir, name, may_wait, &entry);
        if (error == ENOENT) return true; /* removed since: not an entry any more */
        if (error) memset(&entry, 0, sizeof entry);
    }
    if (!entry.ino) {
        entry.attr.st_ino = ino;
        entry.attr.st_mode = (mode_t)type << 12;
    }
    size_t size = fuse_add_direntry_plus(req, answer->at, answer->room, name, &entry, next);
    if (size > answer->room) {
        if (entry.ino) inode_forget(inode_of(entry.ino), 1);
        return false;
    }
    answer->at += size;
    answer->room -= size;
    return true;
}

static void c_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi) {
    if (is_virtual(ino) && fi->fh) {
        virtual_readdirplus(req, size, off, fi);
        return;
    }
    if (is_virtual(ino)) fi->fh = ino; /* which is all that Python would have it by */
    DELEGATE(ino, readdirplus, req, ino, size, off, fi);
    struct inode *dir = inode_of(ino);
    int error = 0;
    struct listing *listing = fi->fh ? listing_of(fi) : listing_at(dir, off, &error);
    char *buffer = malloc(size);
    struct answer answer = {buffer, size};
    const struct raw_entry *entry = NULL;
    if (!buffer) error = ENOMEM;
    bool full = false;
    if (!error && off != END_POSITION) error = go_to(listing, off);
    while (!error && !full && off != END_POSITION && (entry = entry_here(listing, &error))) {
        size_t room = answer.room;
        full = !add(req, &answer, dir, entry->name, entry->ino, entry->type, entry->next, may_wait_in(listing));
        if (full) break;
        if (answer.room != room) listing->position = entry->next; /* else it was removed since, and not told */
        listing->reached = entry->next;
        listing->at += entry->size;
    }
    if (!error && !entry && off != END_POSITION && ino == FUSE_ROOT_ID && configuration.show_view_dir)
        add(req, &answer, dir, configuration.view_dir, VIRTUAL_BIT, DT_DIR, END_POSITION, false);
    if (error && answer.room == size)
        fuse_reply_err(req, error);
    else
        fuse_reply_buf(req, buffer, size - answer.room);
    if (listing && listing->inode && !entry && answer.room == size) give_up(listing); /* at its end */
    free(buffer);
}

void operations_dir(struct fuse_lowlevel_ops *ops) {
    ops->opendir = c_opendir;
    ops->releasedir = c_releasedir;
    ops->fsyncdir = c_fsyncdir;
    ops->readdir = NULL; /* the kernel always asks for attributes too, so that pyfuse3 can answer for its own */
    ops->readdirplus = c_readdirplus;
}
