/* inode.c: what the kernel knows by number. */
#ifndef MYCELIAL_INODE_H
#define MYCELIAL_INODE_H

#include "base.h"

#include <sys/stat.h>

struct handle;
struct inode;

#define NAME_SIZE 1025 /* of a name: the kernel asks for none that is longer */

struct place {
    struct inode *dir;
    const char *name;
};

/* An inode is known by what it is (device, inode number, time of birth) and reached by the last name it was seen
 * under. Only directories keep a descriptor, least recently used ones give theirs up; whatever has lost its name
 * while the kernel still knows it keeps one (`pinned`) until it is forgotten. */
struct inode {
    struct inode *hash_next;
    struct inode *parent; /* with `name`: where it was last seen; NULL when it has no name any more */
    char *name;
    struct inode *lru_prev, *lru_next;
    struct handle *handles; /* open files of this inode */
    uint64_t lookups;       /* what the kernel holds; it sends them back by FORGET */
    uint32_t references;    /* children and handles that point here */
    uint32_t leaving;       /* requests under way that change a name of it, or wait for it */
    const struct place *next; /* where one of them moves it, until that one has come back */
    uint32_t holds;         /* the descriptor is in use and must not be evicted */
    dev_t dev;
    ino_t ino;
    uint64_t born; /* ns; 0 where the filesystem does not know */
    uint32_t generation; /* tells it from another that had its number before, to whoever keeps a file handle */
    uint64_t told_us; /* when the kernel was told its name and attributes, by now_us() */
    mode_t type;      /* S_IFMT bits */
    uint64_t kept;    /* a hash of the name that the kernel keeps, from when it was the only one; or 0 */
    pid_t looked, sent; /* then: who looked it up last, and who was sent to do so */
    struct statx_timestamp cached; /* change time of the content in the kernel's cache, as far as we know */
    int fd;        /* O_PATH descriptor or -1 */
    int backing_id; /* of kernel passthrough while open in that way, or 0 */
    uint32_t held_for; /* the user for whom it is pinned, see share.c; unless it is the root */
    bool hashed, pinned;
    bool setgid; /* when it was seen last */
    bool may_be_mapped; /* to be written: the kernel does not say, and a map outlives the descriptor */
    bool large;  /* when it lost a name: to give its room back takes long */
};

int inode_init(int source_fd, unsigned max_descriptors);
void inode_shutdown(void);
struct inode *inode_of(fuse_ino_t ino);
fuse_ino_t inode_number(const struct inode *inode);
/* Where the disk may be waited for, the core is left: what is not held by the request may be gone afterwards. */
int inode_lookup(struct inode *parent, const char *name, bool may_wait, struct fuse_entry_param *entry);
void inode_adopt(struct inode *parent, const char *name, const struct statx *stx, struct fuse_entry_param *entry);
struct inode *inode_find(const struct statx *stx);
bool inode_is_told(const struct inode *parent, const char *name, ino_t ino); /* and the kernel keeps it for a while */
void inode_forget(struct inode *inode, uint64_t lookups);
int inode_stat(struct inode *inode, struct statx *stx); /* leaves the core while the disk is waited for */
void inode_seen(struct inode *inode, const struct statx *stx);
bool inode_is(const struct inode *inode, const struct statx *stx);
/* What is not where it was, asked for at that turn (core_turn): whether it is somewhere else by now. */
bool inode_has_moved(struct inode *inode, unsigned long before);
void inode_rename(struct inode *inode, struct inode *parent, const char *name);
void inode_unname(struct inode *inode, const struct inode *parent, const char *name);
/* The kernel opens by number. A name that is not the only one it asks for each time, but one that it had been told before
 * there was another it keeps; who seems to have come by that is sent to look it up. Once: he may have come by a descriptor. */
void inode_linked(struct inode *inode);
void inode_looked_up(struct inode *inode, const struct inode *parent, const char *name, pid_t tid);
bool inode_is_to_be_looked_up(struct inode *inode, pid_t tid);
/* This name of it has become another one, or is gone (NULL). */
void inode_moved(struct inode *inode, const struct inode *parent, const char *name, const struct inode *to, const char *to_name);
void inode_reference(struct inode *inode);
void inode_unreference(struct inode *inode);
unsigned long inode_count(void);
/* A descriptor of a directory; valid until the matching dir_release. Negative errno on failure. */
int dir_acquire(struct inode *dir);
void dir_release(struct inode *dir);
/* An O_PATH descriptor of anything, checked to be that inode; *owned says whether to close it. */
int inode_open_path(struct inode *inode, bool *owned);
bool inode_hold(struct inode *inode, int fd, uint32_t uid); /* keeps the descriptor, if that user may have one more */
/* What stands at this name, if the kernel knows it, held until it has settled. Both leave the core. */
struct inode *inode_at(int dir_fd, const char *name);
struct inode *inode_pin(int dir_fd, const char *name, uint32_t uid); /* and keeps a descriptor, for good if no name is left then */
void inode_unsettle(struct inode *inode); /* so that it keeps what descriptor it has, or gets, until it has settled again */
void inode_settle(struct inode *inode);
void inode_close(const struct inode *inode, int fd); /* one of its descriptors */
#define PATH_SIZE 16384 /* bytes of a path that is told; a longer one is not */
/* The path below the source, without a leading slash; its length, or -1 when the inode has no name or no room. */
int inode_path(const struct inode *inode, const char *last, char *buffer, size_t size);
bool name_is_plain(const char *name);
double attr_timeout(const struct inode *inode); /* seconds for which the kernel may keep them */

#endif
