/* handle.c: one open file. */
#ifndef MYCELIAL_HANDLE_H
#define MYCELIAL_HANDLE_H

#include "inode.h"
#include "protocol.h"

#define EXEC_FLAG 0x20 /* __FMODE_EXEC: the kernel opens the file to run it */

/* What reading a file may wait for, and whether the filesystem below can be asked. */
enum reading { READING_ASKS, READING_UNKNOWN, READING_AT_ONCE, READING_WAITS };

struct handle {
    struct handle *next;
    struct inode *inode;
    uint32_t process; /* who opened it or wrote it last, see lineage.c */
    uint32_t uid;
    pid_t tid; /* who opened it */
    int fd;
    int flags;
    bool fresh;     /* made or emptied by this open, and no WRITE event said so yet */
    bool dirty;     /* written since the last WRITE event */
    bool confirmed; /* `process` was looked at again when it wrote */
    bool passthrough;
    _Atomic enum reading reading;
    struct statx_timestamp changed; /* when the inode changed last, as far as this handle knows */
};
static inline struct handle *handle_of(const struct fuse_file_info *fi) { return (struct handle *)(uintptr_t)fi->fh; }
/* For who was found to have a descriptor left (share.h), which it takes over. */
struct handle *handle_new(fuse_req_t req, struct inode *inode, int fd, int flags, const struct statx *stx);
int handle_stat(const struct handle *handle, struct statx *stx); /* leaves the core: of a request that holds it */
void handle_close(struct handle *handle);
/* Whether the kernel's pages are of its content as it is now; from now on they are. */
bool handle_is_cached(const struct handle *handle);
struct open_reply handle_reply(struct handle *handle); /* what the kernel is told of this open file */
/* The flags for the file below. Our buffers are not aligned, so O_DIRECT ends here; O_TRUNC waits for the check. */
int flags_below(int flags);
int open_plain(int dir, const char *name, int flags); /* never waits; -1 and errno on failure */
int open_again(int fd, int flags); /* the same file, from an O_PATH descriptor; -errno on failure */
int keep_leases_off(int fd); /* until what it returns is closed; -EAGAIN: somebody has one; -1: it cannot */
bool waits_for_lease(int error, int flags); /* of a file that was opened with these: see postponed.h */
void answer_fsync(fuse_req_t req, const struct inode *inode, int fd, bool data_only, bool close_it); /* when the disk has it */

#endif
