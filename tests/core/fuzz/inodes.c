/* The inode table against a real directory that changes through it and behind its back.
 *
 * While an answer waits for the disk, others are at work, but for forgetting what was asked for.
 *
 * What must hold: an answer is about the very inode that was asked for, or an error; nothing is held when the kernel
 * has forgotten everything. Built with sanitizers, which see the rest.
 */
#include "configuration.h"
#include "inode.h"
#include "lock.h"
#include "passthrough.h"
#include "share.h"
#include "stat.h"
#include "worker.h"

#include "dice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void worker_close(dev_t dev, uint32_t uid, int fd) {
    (void)dev, (void)uid;
    close(fd);
}

#define NODES 40
#define DESCRIPTORS 4 /* few, so that they are given up all the time */

bool passthrough_writable(const struct inode *inode) {
    (void)inode;
    return false;
}

struct node {
    struct inode *inode;
    uint64_t lookups;
    dev_t dev;
    ino_t ino;
};

static char place[512];
static int source = -1;
static struct node nodes[NODES + 1]; /* one that is added while another one is looked up */
static unsigned count;
static const struct inode *held; /* by the request that waits for a disk */

static void empty(int directory) {
    DIR *listing = fdopendir(dup(directory));
    rewinddir(listing);
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        int below = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (below >= 0) empty(below), close(below);
        unlinkat(directory, entry->d_name, below >= 0 ? AT_REMOVEDIR : 0);
    }
    closedir(listing);
}

static unsigned open_descriptors(void) {
    unsigned found = 0;
    DIR *listing = opendir("/proc/self/fd");
    while (readdir(listing)) found++;
    closedir(listing);
    return found;
}

static void prepare(void) {
    const char *where = getenv("TMPDIR");
    snprintf(place, sizeof place, "%s/mycelial-fuzz-XXXXXX", where ? where : "/tmp");
    configuration.timeout = 1;
    CHECK(mkdtemp(place) && (source = open(place, O_RDONLY | O_DIRECTORY)) >= 0);
}

__attribute__((destructor)) static void tidy(void) {
    if (source >= 0) empty(source), rmdir(place);
}

static const char *any_name(void) {
    static char names[8][256];
    static unsigned turn;
    char *name = names[turn++ % 8];
    if (!roll(20)) {
        memset(name, 'n', 255);
        name[255] = '\0';
    } else {
        snprintf(name, 256, "%c", 'a' + roll(6));
    }
    return name;
}

static bool is_meanwhile;
static struct inode *busy[2]; /* whose names a request changes that waits */
static struct node *any(void) { return count ? &nodes[roll(count)] : NULL; }

static struct inode *any_directory(void) {
    struct node *node = roll(2) ? any() : NULL;
    return node && node->inode->type == S_IFDIR ? node->inode : inode_of(FUSE_ROOT_ID);
}

/* By a descriptor, or under the name that it has now. */
static bool is_there(struct inode *inode) {
    struct statx stx;
    bool owned;
    int fd = inode_open_path(inode, &owned);
    bool found = fd >= 0 && !stat_fd(fd, &stx) && inode_is(inode, &stx);
    if (owned) close(fd);
    return found;
}

static void look_up(struct inode *parent, const char *name) {
    struct fuse_entry_param entry;
    if (count >= NODES) return;
    if (!is_meanwhile) held = parent;
    if (inode_lookup(parent, name, !is_meanwhile, &entry)) return;
    struct inode *inode = inode_of(entry.ino);
    CHECK(inode->ino == entry.attr.st_ino && inode->dev == entry.attr.st_dev);
    CHECK(is_there(inode)); /* whatever was done while the disk was waited for */
    for (unsigned i = 0; i < count; i++)
        if (nodes[i].inode == inode) {
            nodes[i].lookups++;
            return;
        }
    nodes[count++] = (struct node){inode, 1, entry.attr.st_dev, entry.attr.st_ino};
}

static void forget(struct node *node, uint64_t lookups) {
    if (lookups > node->lookups) lookups = node->lookups;
    node->lookups -= lookups;
    inode_forget(node->inode, lookups);
    if (!node->lookups) *node = nodes[--count];
}

static void check_identity(struct node node) {
    struct statx stx;
    bool owned;
    held = node.inode;
    int error = inode_stat(node.inode, &stx);
    CHECK(error != ESTALE || !is_there(node.inode));
    if (!error) CHECK(stx.stx_ino == node.ino && makedev(stx.stx_dev_major, stx.stx_dev_minor) == node.dev);
    int fd = inode_open_path(node.inode, &owned);
    if (fd < 0) return;
    CHECK(!stat_fd(fd, &stx) && stx.stx_ino == node.ino);
    if (owned) close(fd);
}

static void check_path(struct node *node) {
    char path[PATH_MAX];
    size_t room = roll(4) ? sizeof path : roll(600);
    int size = inode_path(node->inode, roll(2) ? NULL : any_name(), path, room);
    CHECK(size <= (int)room);
    if (size > 0) CHECK(path[0] != '/' && !memchr(path, '\0', (size_t)size));
}

/* Through the table, as a request would: what stood there is kept alive by a descriptor. The kernel lets nobody else change
 * names there then. */
static void remove_name(struct inode *parent, const char *name) {
    if (parent == busy[0] || parent == busy[1]) return;
    int directory = dir_acquire(parent);
    if (directory < 0) return;
    if (!is_meanwhile) busy[0] = parent;
    struct inode *victim = inode_pin(directory, name, 1);
    bool gone = !unlinkat(directory, name, 0) || !unlinkat(directory, name, AT_REMOVEDIR);
    core_return();
    dir_release(parent);
    if (!is_meanwhile) busy[0] = NULL;
    if (!victim) return;
    if (gone) inode_unname(victim, parent, name);
    inode_settle(victim);
}

static void rename_through(struct inode *from, const char *name, struct inode *to, const char *other) {
    for (unsigned i = 0; i < 2; i++)
        if (busy[i] && (from == busy[i] || to == busy[i])) return;
    int source_fd = dir_acquire(from), target_fd = source_fd < 0 ? -1 : dir_acquire(to);
    if (target_fd >= 0) {
        if (!is_meanwhile) busy[0] = from, busy[1] = to;
        struct inode *inode = inode_at(source_fd, name), *victim = inode_pin(target_fd, other, 1);
        const struct place there = {to, other};
        if (inode) inode->next = &there;
        bool moved = !renameat(source_fd, name, target_fd, other);
        struct statx stx; /* behind the back another file may have come there */
        bool is_moved = inode && moved && !stat_at(target_fd, other, &stx) && inode_is(inode, &stx);
        if (is_moved) CHECK(is_there(inode)); /* for whoever asks before this one is back */
        core_return();
        if (inode) inode->next = NULL;
        if (victim && victim != inode && moved) inode_unname(victim, to, other);
        if (inode && victim != inode && moved) inode_rename(inode, to, other);
        if (inode) inode_settle(inode);
        if (victim) inode_settle(victim);
        if (!is_meanwhile) busy[0] = busy[1] = NULL;
        dir_release(to);
    }
    if (source_fd >= 0) dir_release(from);
}

static void behind_the_back(void) {
    char from[600], to[600];
    snprintf(from, sizeof from, roll(3) ? "%s" : "%s/%s", any_name(), any_name());
    snprintf(to, sizeof to, roll(3) ? "%s" : "%s/%s", any_name(), any_name());
    switch (roll(5)) {
    case 0: close(openat(source, from, O_CREAT | O_WRONLY, 0600)); break;
    case 1: mkdirat(source, from, 0700); break;
    case 2: renameat(source, from, source, to); break;
    case 3: if (unlinkat(source, from, 0)) unlinkat(source, from, AT_REMOVEDIR); break;
    case 4: linkat(source, from, source, to, 0); break;
    }
}

/* ---- while the disk is waited for ---------------------------------------------------------------------------------- */

static unsigned long turn;
static bool is_begun;

unsigned long core_turn(void) { return turn; }
void core_leave_for_disk(void) {}

void core_return(void) {
    struct node *node = any();
    turn++;
    if (!is_begun || is_meanwhile || roll(3)) return;
    is_meanwhile = true;
    turn++;
    switch (roll(5)) {
    case 0: look_up(any_directory(), any_name()); break;
    case 1: behind_the_back(); break;
    case 2: remove_name(any_directory(), any_name()); break;
    case 3: rename_through(any_directory(), any_name(), any_directory(), any_name()); break;
    case 4: if (node && node->inode != held && node->inode != busy[0] && node->inode != busy[1]) forget(node, 1 + roll(3)); break;
    }
    is_meanwhile = false;
}

/* Two directories that seem to lie within one another: each is looked up where it was when the other was not there. */
static void circle(void) {
    CHECK(!inode_init(dup(source), DESCRIPTORS));
    share_init(NODES); /* hardly ever enough */
    int root = inode_of(FUSE_ROOT_ID)->fd;
    CHECK(!mkdirat(source, "a", 0700) && !mkdirat(source, "b", 0700));
    look_up(inode_of(FUSE_ROOT_ID), "a");
    look_up(inode_of(FUSE_ROOT_ID), "b");
    struct inode *a = nodes[0].inode, *b = nodes[1].inode;
    CHECK(dir_acquire(b) >= 0 && !renameat(source, "b", source, "a/b"));
    look_up(a, "b");
    CHECK(!renameat(source, "a/b", source, "b") && !renameat(source, "a", source, "b/a"));
    look_up(b, "a");
    dir_release(b);
    for (unsigned i = 0; i < count; i++) check_path(&nodes[i]), check_identity(nodes[i]);
    while (count) forget(&nodes[0], UINT64_MAX);
    CHECK(inode_count() == 0);
    inode_shutdown();
    close(root);
    empty(source);
}

static void one_game(void) {
    if (!is_begun) circle();
    is_begun = true;
    unsigned before = open_descriptors();
    CHECK(!inode_init(dup(source), DESCRIPTORS));
    for (unsigned turns = 30 + roll(300); turns; turns--) {
        struct node *node = any();
        switch (roll(9)) {
        case 0: case 1: look_up(any_directory(), any_name()); break;
        case 2: behind_the_back(); break;
        case 3: behind_the_back(); break;
        case 4: if (node) check_identity(*node); break;
        case 5: if (node) check_path(node); break;
        case 6: if (node) forget(node, 1 + roll(3)); break;
        case 7: remove_name(any_directory(), any_name()); break;
        case 8: rename_through(any_directory(), any_name(), any_directory(), any_name()); break;
        }
    }
    while (count) forget(&nodes[0], UINT64_MAX);
    CHECK(inode_count() == 0);
    int root = inode_of(FUSE_ROOT_ID)->fd;
    inode_shutdown();
    close(root);
    empty(source);
    CHECK(open_descriptors() == before);
}
