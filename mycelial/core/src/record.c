/* What the operations say of what they did: each event in the name of the process that asked. */
#include "record.h"
#include "lineage.h"

uint32_t record_who(fuse_req_t req) {
    return ring_recording() ? lineage_number(fuse_req_ctx(req)->pid) : PROCESS_UNKNOWN;
}

uint32_t record_inode(enum event_kind kind, unsigned flags, fuse_req_t req, const struct inode *inode) {
    char path[PATH_SIZE];
    if (!ring_recording()) return PROCESS_UNKNOWN;
    const struct fuse_ctx *context = fuse_req_ctx(req);
    uint32_t process = lineage_number(context->pid);
    int size = inode_path(inode, NULL, path, sizeof path);
    if (size > 0) ring_event(kind, flags, process, context->uid, path, (size_t)size, NULL, 0);
    return process;
}

uint32_t record_name(enum event_kind kind, unsigned flags, fuse_req_t req, const struct inode *parent, const char *name) {
    char path[PATH_SIZE];
    if (!ring_recording()) return PROCESS_UNKNOWN;
    const struct fuse_ctx *context = fuse_req_ctx(req);
    uint32_t process = kind == CREATE ? lineage_refresh_pipes(context->pid) : lineage_number(context->pid);
    int size = inode_path(parent, name, path, sizeof path);
    if (size > 0) ring_event(kind, flags, process, context->uid, path, (size_t)size, NULL, 0);
    return process;
}

void record_unlink(uint32_t process, fuse_req_t req, const struct inode *parent, const char *name) {
    char path[PATH_SIZE];
    int size = ring_recording() ? inode_path(parent, name, path, sizeof path) : -1;
    if (size > 0) ring_event(UNLINK, 0, process, fuse_req_ctx(req)->uid, path, (size_t)size, NULL, 0);
}

void record_two(enum event_kind kind, unsigned flags, uint32_t process, fuse_req_t req, const char *path, int path_size,
                const struct inode *parent, const char *name) {
    char to[PATH_SIZE];
    if (!ring_recording() || path_size < 0) return;
    int size = inode_path(parent, name, to, sizeof to);
    if (size >= 0) ring_event(kind, flags, process, fuse_req_ctx(req)->uid, path, (size_t)path_size, to, (size_t)size);
}

void record_read(const struct handle *handle) {
    char path[PATH_SIZE];
    if (ring_recording()) lineage_settle(handle->tid);
    uint32_t process = ring_recording() ? lineage_latest(handle->tid) : PROCESS_UNKNOWN;
    if (process == PROCESS_UNKNOWN || process == handle->process) return;
    int size = inode_path(handle->inode, NULL, path, sizeof path);
    if (size > 0) ring_event(READ, 0, process, handle->uid, path, (size_t)size, NULL, 0);
}

void record_write(struct handle *handle) {
    char path[PATH_SIZE];
    if (!ring_recording()) return;
    handle->dirty = handle->fresh = false;
    int size = inode_path(handle->inode, NULL, path, sizeof path);
    if (size > 0) ring_event(WRITE, 0, handle->process, handle->uid, path, (size_t)size, NULL, 0);
}
