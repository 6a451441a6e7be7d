/* The kernel's STATX, by which programs learn when a file was born. libfuse before 3.18 does not know it, and once it has
 * said so the kernel asks nobody again; so it is answered here, in the form of the protocol, which is that of statx(2).
 *
 * For an inode of the virtual tree pyfuse3 is asked for attributes, which it knows, and its answer is put into this form.
 */
#include "statx.h"
#include "handle.h"
#include "libfuse.h"
#include "protocol.h"
#include "stat.h"
#include "virtual.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(struct statx) == 256, "the protocol has it as it is in the system call");

struct statx_request {
    uint32_t getattr_flags, reserved;
    uint64_t handle;
    uint32_t flags, mask;
};

struct statx_reply {
    uint64_t attr_valid;
    uint32_t attr_valid_nsec, flags;
    uint64_t spare[2];
    struct statx stat;
};

bool statx_is_asked(const struct fuse_buf *buffer) { return ((const struct fuse_in_header *)buffer->mem)->opcode == OPCODE_STATX; }

/* ---- real files ---------------------------------------------------------------------------------------------------- */

void statx_answer(int device, const struct fuse_buf *buffer) {
    const struct fuse_in_header *header = buffer->mem;
    const struct statx_request *asked = (const struct statx_request *)(header + 1);
    struct inode *inode = inode_of(header->nodeid);
    const struct handle *handle = asked->getattr_flags & FUSE_GETATTR_FH ? (const struct handle *)(uintptr_t)asked->handle : NULL;
    struct statx_reply reply = {.flags = 0};
    int error = handle ? handle_stat(handle, &reply.stat) : inode_stat(inode, &reply.stat);
    if (!error) {
        inode_seen(inode, &reply.stat);
        split_seconds(attr_timeout(inode), &reply.attr_valid, &reply.attr_valid_nsec);
    }
    struct fuse_out_header answer = {
        .len = (uint32_t)(sizeof answer + (error ? 0 : sizeof reply)), .error = -error, .unique = header->unique};
    struct iovec parts[] = {{&answer, sizeof answer}, {&reply, sizeof reply}};
    if (writev(device, parts, error ? 1 : 2) < 0) return; /* nobody waits any more */
}

/* ---- virtual ones, on Python's thread -------------------------------------------------------------------------------- */

#define MOST_EXPECTED 256

static _Thread_local bool is_python;
static bool is_statx; /* the request that libfuse is given now */
static unsigned expected_count;
static fuse_req_t expected[MOST_EXPECTED];

void statx_as_getattr(struct fuse_buf *buffer) {
    is_python = true;
    is_statx = statx_is_asked(buffer);
    if (is_statx) ((struct fuse_in_header *)buffer->mem)->opcode = FUSE_GETATTR; /* begins in the same way */
}

bool statx_expect(fuse_req_t req) {
    if (is_statx && expected_count == MOST_EXPECTED) return false;
    if (is_statx) expected[expected_count++] = req;
    is_statx = false;
    return true;
}

static bool take(fuse_req_t req) {
    for (unsigned i = 0; is_python && i < expected_count; i++)
        if (expected[i] == req) {
            expected[i] = expected[expected_count - 1];
            expected_count--;
            return true;
        }
    return false;
}

static struct statx_timestamp timestamp(struct timespec time) {
    return (struct statx_timestamp){.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};
}

static struct statx_reply converted(const struct stat *st, double timeout) {
    struct statx_reply reply = {.stat = {.stx_mask = STATX_BASIC_STATS,
                                         .stx_blksize = (uint32_t)st->st_blksize,
                                         .stx_nlink = (uint32_t)st->st_nlink,
                                         .stx_uid = st->st_uid,
                                         .stx_gid = st->st_gid,
                                         .stx_mode = (uint16_t)st->st_mode,
                                         .stx_ino = st->st_ino,
                                         .stx_size = (uint64_t)st->st_size,
                                         .stx_blocks = (uint64_t)st->st_blocks,
                                         .stx_atime = timestamp(st->st_atim),
                                         .stx_ctime = timestamp(st->st_ctim),
                                         .stx_mtime = timestamp(st->st_mtim)}};
    split_seconds(timeout, &reply.attr_valid, &reply.attr_valid_nsec);
    return reply;
}

int reply_attr(fuse_req_t req, const struct stat *st, double timeout) __asm__("fuse_reply_attr") EXPORTED;
int reply_err(fuse_req_t req, int error) __asm__("fuse_reply_err") EXPORTED;

int reply_attr(fuse_req_t req, const struct stat *st, double timeout) {
    static int (*next)(fuse_req_t, const struct stat *, double);
    if (take(req)) {
        struct statx_reply reply = converted(st, timeout);
        return fuse_reply_buf(req, (const char *)&reply, sizeof reply);
    }
    if (!next) next = (int (*)(fuse_req_t, const struct stat *, double))libfuse("fuse_reply_attr", "FUSE_3.0");
    return next(req, st, timeout);
}

int reply_err(fuse_req_t req, int error) {
    static int (*next)(fuse_req_t, int);
    take(req);
    if (!next) next = (int (*)(fuse_req_t, int))libfuse("fuse_reply_err", "FUSE_3.0");
    return next(req, error);
}
