/* What the operations say of what they did: each event in the name of the process that asked. */
#include "record.h"
#include "lineage.h"
#include "lock.h"

uint32_t record_who(fuse_req_t req) {
    return ring_recording() ? lineage_number(fuse_req_ctx(req)->pid) : PROCESS_UNKNOWN;
}

void record_expect(fuse_req_t req) {
    if (ring_recording() && lineage_latest(fuse_req_ctx(req)->pid) == PROCESS_UNKNOWN) lineage_number(fuse_req_ctx(req)->pid);
}

/* Of the file, or of a name in that directory. */
static void tell(enum event_kind kind, unsigned flags, uint32_t process, uint32_t uid, const struct inode *inode, const char *name) {
    char path[PATH_SIZE];
    int size = inode_path(inode, name, path, sizeof path);
    if (size > 0) ring_event(kind, flags, process, uid, path, (size_t)size, NULL, 0);
}

void record_inode(enum event_kind kind, unsigned flags, fuse_req_t req, const struct inode *inode) {
    if (ring_recording()) tell(kind, flags, record_who(req), fuse_req_ctx(req)->uid, inode, NULL);
}

uint32_t record_open(fuse_req_t req, int flags, const struct inode *inode) {
    const struct fuse_ctx *context = fuse_req_ctx(req);
    if (!ring_recording()) return PROCESS_UNKNOWN;
    bool writes = (flags & O_ACCMODE) != O_RDONLY; /* where a shell's streams lead then, says what it writes from */
    uint32_t process = writes ? lineage_of_writer(context->pid) : lineage_number(context->pid);
    if (flags & O_TRUNC)
        tell(CREATE, EVENT_TRUNCATED, process, context->uid, inode, NULL);
    else if ((flags & O_ACCMODE) != O_WRONLY)
        tell(flags & EXEC_FLAG ? EXEC : OPEN, 0, process, context->uid, inode, NULL);
    return process;
}

uint32_t record_create(unsigned flags, fuse_req_t req, const struct inode *parent, const char *name) {
    if (!ring_recording()) return PROCESS_UNKNOWN;
    uint32_t process = lineage_refresh_pipes(fuse_req_ctx(req)->pid);
    tell(CREATE, flags, process, fuse_req_ctx(req)->uid, parent, name);
    return process;
}

void record_unlink(uint32_t process, fuse_req_t req, const struct inode *parent, const char *name) {
    if (ring_recording()) tell(UNLINK, 0, process, fuse_req_ctx(req)->uid, parent, name);
}

void record_two(enum event_kind kind, unsigned flags, uint32_t process, fuse_req_t req, const char *path, int path_size,
                const struct inode *parent, const char *name) {
    char to[PATH_SIZE];
    if (!ring_recording() || path_size < 0) return;
    int size = inode_path(parent, name, to, sizeof to);
    if (size >= 0) ring_event(kind, flags, process, fuse_req_ctx(req)->uid, path, (size_t)path_size, to, (size_t)size);
}

void record_read(const struct handle *handle) {
    if (!ring_recording()) return;
    core_seat->uid = handle->uid; /* a request to close names nobody */
    lineage_settle(handle->tid);
    uint32_t process = lineage_latest(handle->tid);
    if (process != PROCESS_UNKNOWN && process != handle->process) tell(READ, 0, process, handle->uid, handle->inode, NULL);
}

void record_write(struct handle *handle) {
    if (!ring_recording()) return;
    handle->dirty = handle->fresh = false;
    tell(WRITE, 0, handle->process, handle->uid, handle->inode, NULL);
}
