/* The inode table: from the numbers that the kernel uses to files of the source.
 *
 * A path per inode breaks when a parent is renamed, a descriptor per inode breaks at RLIMIT_NOFILE. So an inode
 * remembers its parent and its last name, and every use is checked against what the inode is: a name that now leads
 * to another file is ESTALE, upon which the kernel looks the name up again. The time of birth tells a reused inode
 * number from the file that had it before.
 */
#include "inode.h"
#include "configuration.h"
#include "handle.h"
#include "lock.h"
#include "passthrough.h"
#include "share.h"
#include "stat.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_DEPTH 4096 /* of directories that have given up their descriptors; each takes some of the stack */
#define STAT_ATTEMPTS 4 /* where others were at work meanwhile */
#define LARGE_BLOCKS (1u << 16) /* of 512 bytes */

static struct {
    struct inode **buckets;
    size_t size; /* a power of two */
    unsigned long count;
    struct inode root;
    struct inode lru; /* head of the ring of directories with a descriptor */
    unsigned open_descriptors, max_descriptors;
    uint32_t generation; /* of the newest */
} table;

static size_t bucket_of(dev_t dev, ino_t ino, size_t size) {
    uint64_t key = ((uint64_t)ino ^ ((uint64_t)dev << 40)) * 0x9e3779b97f4a7c15ULL;
    return (size_t)(key >> 32) & (size - 1);
}

int inode_init(int source_fd, unsigned max_descriptors) {
    struct statx stx;
    int error = stat_fd(source_fd, &stx);
    if (error) return error;
    table.size = 4096;
    table.count = 0;
    table.open_descriptors = 0;
    table.max_descriptors = max_descriptors;
    free(table.buckets);
    table.buckets = calloc(table.size, sizeof *table.buckets);
    if (!table.buckets) return ENOMEM;
    table.lru.lru_prev = table.lru.lru_next = &table.lru;
    table.root = (struct inode){.fd = source_fd,
                                .lookups = 1,
                                .references = 1,
                                .dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
                                .ino = stx.stx_ino,
                                .type = S_IFDIR,
                                .pinned = true};
    return 0;
}

struct inode *inode_of(fuse_ino_t ino) { return ino == FUSE_ROOT_ID ? &table.root : (struct inode *)(uintptr_t)ino; }

fuse_ino_t inode_number(const struct inode *inode) {
    return inode == &table.root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)inode;
}

unsigned long inode_count(void) { return table.count; }

/* ---- attributes ------------------------------------------------------------------------------------------------ */

static uint64_t birth(const struct statx *stx) {
    if (!(stx->stx_mask & STATX_BTIME)) return 0;
    return (uint64_t)stx->stx_btime.tv_sec * 1000000000u + stx->stx_btime.tv_nsec;
}

bool inode_is(const struct inode *inode, const struct statx *stx) {
    return inode->ino == stx->stx_ino && inode->dev == makedev(stx->stx_dev_major, stx->stx_dev_minor) &&
           inode->type == (stx->stx_mode & S_IFMT) && (inode == &table.root || inode->born == birth(stx));
}

void inode_seen(struct inode *inode, const struct statx *stx) { inode->setgid = (stx->stx_mode & S_ISGID) != 0; }

static int stat_once(int dir, const char *name, bool may_wait, struct statx *stx) {
    if (may_wait) core_leave_for_disk();
    int error = name ? stat_at(dir, name, stx) : stat_fd(dir, stx);
    if (may_wait) core_return();
    return error;
}

/* What somebody else did meanwhile may have changed what was just seen: it is looked at again, at last with the core. */
static bool is_as_seen(unsigned long before) { return core_turn() <= before + 1; }

static int stat_by_name(struct inode *inode, bool may_wait, struct statx *stx) {
    struct inode *parent = inode->parent;
    char name[NAME_SIZE];
    if (!parent) return ESTALE;
    snprintf(name, sizeof name, "%s", inode->name);
    int dir = dir_acquire(parent);
    if (dir < 0) return -dir;
    inode_reference(parent); /* who moves the file meanwhile takes its name and its parent away */
    int error = stat_once(dir, name, may_wait, stx);
    dir_release(parent);
    inode_unreference(parent);
    return error == ENOENT || (!error && !inode_is(inode, stx)) ? ESTALE : error;
}

static int stat_apart(struct inode *inode, bool may_wait, struct statx *stx) {
    if (inode->fd >= 0 && inode->type == S_IFDIR) {
        inode->holds++;
        int error = stat_once(inode->fd, NULL, may_wait, stx);
        inode->holds--;
        return error;
    }
    if (inode->fd >= 0) return stat_fd(inode->fd, stx); /* which others may close meanwhile, as they may the next */
    return inode->handles ? stat_fd(inode->handles->fd, stx) : stat_by_name(inode, may_wait, stx);
}

/* Who moves it has done so, and is not back to say it: he may wait for a disk, or for a processor. */
static bool follow(struct inode *inode) {
    const struct place *next = inode->next;
    inode->next = NULL;
    if (next) inode_rename(inode, next->dir, next->name);
    return next;
}

bool inode_has_moved(struct inode *inode, unsigned long before) { return !is_as_seen(before) || follow(inode); }

int inode_stat(struct inode *inode, struct statx *stx) {
    for (unsigned attempts = STAT_ATTEMPTS;; attempts--) {
        unsigned long before = core_turn();
        int error = stat_apart(inode, attempts > 1, stx); /* each time by the name that it has then; at last with the core */
        if (error == ESTALE ? !inode_has_moved(inode, before) : is_as_seen(before)) return error;
    }
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

static void grow(void) {
    size_t size = table.size * 2;
    struct inode **buckets = calloc(size, sizeof *buckets);
    if (!buckets) return; /* longer chains are slower, not wrong */
    for (size_t i = 0; i < table.size; i++) {
        struct inode *next;
        for (struct inode *inode = table.buckets[i]; inode; inode = next) {
            next = inode->hash_next;
            struct inode **bucket = &buckets[bucket_of(inode->dev, inode->ino, size)];
            inode->hash_next = *bucket;
            *bucket = inode;
        }
    }
    free(table.buckets);
    table.buckets = buckets;
    table.size = size;
}

static void unhash(struct inode *inode) {
    if (!inode->hashed) return;
    struct inode **link = &table.buckets[bucket_of(inode->dev, inode->ino, table.size)];
    while (*link != inode) link = &(*link)->hash_next;
    *link = inode->hash_next;
    inode->hashed = false;
}

struct inode *inode_find(const struct statx *stx) {
    if (inode_is(&table.root, stx)) return &table.root;
    dev_t dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);
    for (struct inode *inode = table.buckets[bucket_of(dev, stx->stx_ino, table.size)]; inode; inode = inode->hash_next)
        if (inode->ino == stx->stx_ino && inode->dev == dev) {
            if (inode_is(inode, stx)) return inode;
            unhash(inode); /* its number belongs to another file now */
            return NULL;
        }
    return NULL;
}

void inode_reference(struct inode *inode) { inode->references++; }

static void lru_remove(struct inode *inode) {
    if (!inode->lru_next) return;
    inode->lru_prev->lru_next = inode->lru_next;
    inode->lru_next->lru_prev = inode->lru_prev;
    inode->lru_prev = inode->lru_next = NULL;
    table.open_descriptors--;
}

void inode_close(const struct inode *inode, int fd) {
    inode->large ? worker_close(inode->dev, inode->held_for, fd) : (void)close(fd);
}

static void discard_if_unused(struct inode *inode) {
    while (inode && inode != &table.root && !inode->lookups && !inode->references) {
        struct inode *parent = inode->parent;
        unhash(inode);
        lru_remove(inode);
        if (inode->fd >= 0) inode_close(inode, inode->fd);
        if (inode->pinned) share_give(inode->held_for);
        free(inode->name);
        free(inode);
        table.count--;
        if (parent) parent->references--;
        inode = parent;
    }
}

void inode_unreference(struct inode *inode) {
    inode->references--;
    discard_if_unused(inode);
}

void inode_forget(struct inode *inode, uint64_t lookups) {
    if (inode == &table.root) return;
    inode->lookups -= lookups < inode->lookups ? lookups : inode->lookups;
    discard_if_unused(inode);
}

static void set_name(struct inode *inode, struct inode *parent, const char *name) {
    char *copy = name ? strdup(name) : NULL;
    struct inode *before = inode->parent;
    if (copy) inode_reference(parent);
    free(inode->name);
    inode->name = copy;
    inode->parent = copy ? parent : NULL;
    if (before) inode_unreference(before);
}

/* Directories that were moved behind our back may seem to lie within one another, and would hold one another for ever.
 * What is being named now is where it is; so the next one on the way up to it is not where it was, and loses its name. */
static void open_circle(struct inode *inode, struct inode *parent) {
    for (struct inode *above = parent; above && above != &table.root; above = above->parent)
        if (above->parent == inode) {
            free(above->name);
            above->name = NULL;
            above->parent = NULL;
            inode->references--;
            return;
        }
}

static uint64_t hash_of(const struct inode *parent, const char *name) {
    uint64_t hash = (14695981039346656037u ^ inode_number(parent)) * 1099511628211u; /* FNV-1a */
    while (*name) hash = (hash ^ (unsigned char)*name++) * 1099511628211u;
    return hash | 1;
}

void inode_linked(struct inode *inode) {
    if (!inode->parent) return;
    inode->kept = hash_of(inode->parent, inode->name);
    inode->looked = 0;
}

void inode_looked_up(struct inode *inode, const struct inode *parent, const char *name, pid_t tid) {
    if (inode->kept && inode->kept == hash_of(parent, name)) inode->kept = 0; /* it will ask for that, too */
    inode->looked = tid;
}

bool inode_is_to_be_looked_up(struct inode *inode, pid_t tid) {
    if (inode->sent && inode->sent == tid) {
        inode->sent = 0; /* never twice: it would be an error for whoever asks */
        return false;
    }
    if (!inode->kept || !tid || inode->looked == tid || inode->sent) return false;
    inode->sent = tid;
    return true;
}

void inode_moved(struct inode *inode, const struct inode *parent, const char *name, const struct inode *to, const char *to_name) {
    if (inode->kept && inode->kept == hash_of(parent, name)) inode->kept = to ? hash_of(to, to_name) : 0;
}

void inode_rename(struct inode *inode, struct inode *parent, const char *name) {
    if (inode == &table.root || inode == parent) return;
    if (inode->parent == parent && strcmp(inode->name, name) == 0) return;
    if (inode->type == S_IFDIR) open_circle(inode, parent);
    set_name(inode, parent, name);
    discard_if_unused(inode);
}

void inode_unname(struct inode *inode, const struct inode *parent, const char *name) {
    if (inode->parent == parent && inode->name && strcmp(inode->name, name) == 0) set_name(inode, NULL, NULL);
}

/* Writing through a map in passthrough is seen by nobody, so long as it is possible. */
double attr_timeout(const struct inode *inode) {
    return is_exclusive() && (inode->may_be_mapped || passthrough_writable(inode)) ? 1 : configuration.timeout;
}

static void unpin(struct inode *inode);

void inode_adopt(struct inode *parent, const char *name, const struct statx *stx, struct fuse_entry_param *entry) {
    struct inode *inode = inode_find(stx);
    memset(entry, 0, sizeof *entry);
    if (inode) {
        inode->lookups++; /* first: giving up its old name may give up what held it */
        if (name) {
            inode_rename(inode, parent, name);
            if (inode->type != S_IFDIR && inode->parent && !inode->leaving) unpin(inode);
        }
    } else {
        inode = calloc(1, sizeof *inode);
        if (!inode) return; /* an entry with number 0: the caller answers ENOMEM */
        inode->fd = -1;
        inode->dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);
        inode->ino = stx->stx_ino;
        inode->born = birth(stx);
        inode->type = stx->stx_mode & S_IFMT;
        inode->generation = ++table.generation;
        if (name) set_name(inode, parent, name);
        if (table.count >= table.size) grow();
        struct inode **bucket = &table.buckets[bucket_of(inode->dev, inode->ino, table.size)];
        inode->hash_next = *bucket;
        *bucket = inode;
        inode->hashed = true;
        inode->lookups = 1;
        table.count++;
    }
    inode_seen(inode, stx);
    inode->told_us = now_us();
    stat_from_statx(stx, &entry->attr);
    entry->ino = inode_number(inode);
    entry->generation = inode->generation;
    entry->attr_timeout = attr_timeout(inode);
    bool has_other_names = stx->stx_nlink > 1 && inode->type != S_IFDIR; /* the kernel opens by number: who asks says by which */
    entry->entry_timeout = has_other_names ? 0 : configuration.timeout;
}

bool inode_is_told(const struct inode *parent, const char *name, ino_t ino) {
    const struct inode *inode = table.buckets[bucket_of(parent->dev, ino, table.size)];
    while (inode && (inode->ino != ino || inode->dev != parent->dev)) inode = inode->hash_next;
    return inode && inode->parent == parent && inode->lookups && strcmp(inode->name, name) == 0 &&
           (double)(now_us() - inode->told_us) < attr_timeout(inode) * 0.5e6;
}

bool name_is_plain(const char *name) {
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}

int inode_lookup(struct inode *parent, const char *name, bool may_wait, struct fuse_entry_param *entry) {
    struct statx stx;
    if (!name_is_plain(name)) return ENOENT;
    int dir = dir_acquire(parent);
    if (dir < 0) return -dir;
    int error;
    for (unsigned attempts = may_wait ? STAT_ATTEMPTS : 1;; attempts--) {
        unsigned long before = core_turn();
        error = stat_once(dir, name, attempts > 1, &stx);
        if (is_as_seen(before)) break;
    }
    dir_release(parent);
    if (error) return error;
    inode_adopt(parent, name, &stx, entry);
    return entry->ino ? 0 : ENOMEM;
}

/* ---- descriptors ----------------------------------------------------------------------------------------------- */

static void evict(void) {
    for (struct inode *inode = table.lru.lru_prev; inode != &table.lru && table.open_descriptors > table.max_descriptors;) {
        struct inode *older = inode->lru_prev;
        if (!inode->holds) {
            lru_remove(inode);
            close(inode->fd);
            inode->fd = -1;
        }
        inode = older;
    }
}

static void lru_front(struct inode *inode) {
    if (inode->lru_next) {
        inode->lru_prev->lru_next = inode->lru_next;
        inode->lru_next->lru_prev = inode->lru_prev;
    } else {
        table.open_descriptors++;
    }
    inode->lru_next = table.lru.lru_next;
    inode->lru_prev = &table.lru;
    inode->lru_next->lru_prev = inode->lru_prev->lru_next = inode;
}

/* Opens an inode by the name that it has now, and checks that it is the one. */
static int open_once(const struct inode *inode, int flags) {
    struct statx stx;
    struct inode *parent = inode->parent;
    if (!parent) return -ESTALE;
    int dir = dir_acquire(parent); /* which may find out that the one above has moved, and that this one is not in it */
    if (dir < 0) return dir;
    int fd = inode->parent ? openat(dir, inode->name, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags) : -1;
    int error = !inode->parent ? ESTALE : fd < 0 ? errno : stat_fd(fd, &stx);
    dir_release(parent);
    if (!error && !inode_is(inode, &stx)) error = ESTALE;
    if (!error) return fd;
    if (fd >= 0) close(fd);
    return error == ENOENT || error == ENOTDIR || error == ELOOP ? -ESTALE : -error;
}

static int open_by_name(struct inode *inode, int flags) {
    int fd = open_once(inode, flags);
    return fd == -ESTALE && follow(inode) ? open_once(inode, flags) : fd;
}

int dir_acquire(struct inode *dir) {
    static unsigned depth; /* directories moved about behind our back may seem to lie within one another */
    if (dir->type != S_IFDIR) return -ENOTDIR;
    if (dir->fd < 0) {
        if (depth == MAX_DEPTH) return -ESTALE;
        depth++;
        int fd = open_by_name(dir, O_DIRECTORY);
        depth--;
        if (fd < 0) return fd;
        dir->fd = fd;
    }
    dir->holds++;
    if (!dir->pinned) {
        if (table.lru.lru_next != dir) lru_front(dir);
        if (table.open_descriptors > table.max_descriptors) evict();
    }
    return dir->fd;
}

void dir_release(struct inode *dir) { dir->holds--; }

int inode_open_path(struct inode *inode, bool *owned) {
    *owned = false;
    if (inode->fd >= 0) return inode->fd;
    if (inode->handles) return inode->handles->fd;
    int fd = open_by_name(inode, 0);
    *owned = fd >= 0;
    return fd;
}

bool inode_hold(struct inode *inode, int fd, uint32_t uid) {
    if (!share_take(uid)) return false;
    inode->pinned = true;
    inode->held_for = uid;
    inode->fd = fd;
    return true;
}

void inode_unsettle(struct inode *inode) {
    inode_reference(inode);
    inode->leaving++;
}

static struct inode *begin_leaving(const struct statx *stx) {
    struct inode *inode = inode_find(stx);
    if (inode) inode_unsettle(inode);
    return inode;
}

struct inode *inode_at(int dir_fd, const char *name) {
    struct statx stx;
    return stat_once(dir_fd, name, true, &stx) ? NULL : begin_leaving(&stx);
}

/* With a descriptor of its own, so that it outlives the name. */
struct inode *inode_pin(int dir_fd, const char *name, uint32_t uid) {
    struct statx stx;
    core_leave_for_disk();
    int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool has_no_room = fd < 0 && (errno == EMFILE || errno == ENFILE);
    int error = fd >= 0 ? stat_fd(fd, &stx) : has_no_room ? stat_at(dir_fd, name, &stx) : ENOENT;
    core_return();
    struct inode *inode = error ? NULL : begin_leaving(&stx);
    if (inode && !inode->pinned && (inode->fd >= 0 || fd >= 0) && inode_hold(inode, inode->fd < 0 ? fd : inode->fd, uid)) {
        inode->large = S_ISREG(stx.stx_mode) && stx.stx_blocks >= LARGE_BLOCKS;
        lru_remove(inode);
        if (inode->fd == fd) fd = -1;
    }
    if (fd >= 0) close(fd);
    return inode;
}

static void unpin(struct inode *inode) {
    if (!inode->pinned || inode == &table.root) return;
    inode->pinned = false;
    share_give(inode->held_for);
    if (inode->type == S_IFDIR) {
        lru_front(inode);
    } else {
        inode_close(inode, inode->fd);
        inode->fd = -1;
        inode->large = false; /* it has another name */
    }
}

void inode_settle(struct inode *inode) {
    inode->leaving--;
    if (inode->parent && !inode->leaving) unpin(inode);
    inode_unreference(inode);
}

/* ---- paths ----------------------------------------------------------------------------------------------------- */

static bool prepend(char *buffer, size_t size, size_t *at, const char *name) {
    size_t length = strlen(name), slash = *at != size;
    if (length + slash > *at) return false;
    if (slash) buffer[--*at] = '/';
    *at -= length;
    memcpy(buffer + *at, name, length);
    return true;
}

int inode_path(const struct inode *inode, const char *last, char *buffer, size_t size) {
    size_t at = size; /* written from the end */
    if (last && !prepend(buffer, size, &at, last)) return -1;
    for (; inode != &table.root; inode = inode->parent)
        if (!inode->name || !prepend(buffer, size, &at, inode->name)) return -1;
    memmove(buffer, buffer + at, size - at);
    return (int)(size - at);
}

void inode_shutdown(void) {
    for (size_t i = 0; i < table.size; i++)
        for (struct inode *inode = table.buckets[i], *next; inode; inode = next) {
            next = inode->hash_next;
            if (inode->fd >= 0) close(inode->fd);
            free(inode->name);
            free(inode);
        }
    free(table.buckets);
    table.buckets = NULL;
    table.size = 0;
    table.count = 0;
}
