/* What the operations say of what they did: each event in the name of the process that asked. */
#include "record.h"
#include "lineage.h"
#include "lock.h"

#include <string.h>

/* ---- what is left out ---------------------------------------------------------------------------------------------- */

/* Directories, wherever they are, that the engine records nothing below: version control's own, say. */
static struct {
    size_t size;
    char names[4096]; /* each with a NUL at its end */
    bool begins[256]; /* which bytes one of them begins with */
} left_out;

void record_leave_out(const char *names, size_t size) {
    left_out.size = size <= sizeof left_out.names && (!size || !names[size - 1]) ? size : 0;
    memset(left_out.begins, 0, sizeof left_out.begins);
    memcpy(left_out.names, names, left_out.size);
    for (const char *name = left_out.names; name < left_out.names + left_out.size; name += strlen(name) + 1)
        left_out.begins[(unsigned char)*name] = true;
}

static bool is_name_left_out(const char *wanted, size_t length) {
    if (!left_out.begins[(unsigned char)*wanted]) return false;
    for (const char *name = left_out.names; name < left_out.names + left_out.size; name += strlen(name) + 1)
        if (strlen(name) == length && !memcmp(name, wanted, length)) return true;
    return false;
}

static bool is_left_out(const char *path, size_t size) {
    for (const char *at = path, *slash; (slash = memchr(at, '/', size - (size_t)(at - path))); at = slash + 1)
        if (is_name_left_out(at, (size_t)(slash - at))) return true;
    return false;
}

bool record_leaves_out(const struct inode *inode, const char *name) {
    char path[PATH_SIZE];
    int size = left_out.size ? inode_path(inode, name, path, sizeof path) : 0;
    return size > 0 && is_left_out(path, (size_t)size);
}

/* ---- who asks ------------------------------------------------------------------------------------------------------ */

/* Who has done nothing yet but what is left out, as most that git does. */
static bool is_passing_by(pid_t tid, const struct inode *inode, const char *name) {
    return lineage_latest(tid) == PROCESS_UNKNOWN && record_leaves_out(inode, name);
}

uint32_t record_who(fuse_req_t req) {
    return ring_recording() ? lineage_number(fuse_req_ctx(req)->pid) : PROCESS_UNKNOWN;
}

uint32_t record_who_at(fuse_req_t req, const struct inode *inode, const char *name) {
    pid_t tid = fuse_req_ctx(req)->pid;
    if (!ring_recording()) return PROCESS_UNKNOWN;
    return is_passing_by(tid, inode, name) ? lineage_if_joined(tid) : lineage_number(tid);
}

void record_expect(fuse_req_t req, const struct inode *parent, const char *name) {
    if (ring_recording() && lineage_latest(fuse_req_ctx(req)->pid) == PROCESS_UNKNOWN) record_who_at(req, parent, name);
}

/* ---- what was done ------------------------------------------------------------------------------------------------- */

/* Of the file, or of a name in that directory. */
static void tell(enum event_kind kind, unsigned flags, uint32_t process, uint32_t uid, const struct inode *inode, const char *name) {
    char path[PATH_SIZE];
    int size = inode_path(inode, name, path, sizeof path);
    if (size > 0 && !is_left_out(path, (size_t)size)) ring_event(kind, flags, process, uid, path, (size_t)size, NULL, 0);
}

void record_inode(enum event_kind kind, unsigned flags, fuse_req_t req, const struct inode *inode) {
    if (ring_recording()) tell(kind, flags, record_who_at(req, inode, NULL), fuse_req_ctx(req)->uid, inode, NULL);
}

uint32_t record_open(fuse_req_t req, int flags, const struct inode *inode) {
    const struct fuse_ctx *context = fuse_req_ctx(req);
    if (!ring_recording()) return PROCESS_UNKNOWN;
    bool writes = (flags & O_ACCMODE) != O_RDONLY; /* where a shell's streams lead then, says what it writes from */
    uint32_t process = is_passing_by(context->pid, inode, NULL) ? lineage_if_joined(context->pid)
                       : writes                                 ? lineage_of_writer(context->pid)
                                                                : lineage_number(context->pid);
    if (flags & O_TRUNC)
        tell(CREATE, EVENT_TRUNCATED, process, context->uid, inode, NULL);
    else if ((flags & O_ACCMODE) != O_WRONLY)
        tell(flags & EXEC_FLAG ? EXEC : OPEN, 0, process, context->uid, inode, NULL);
    return process;
}

uint32_t record_create(unsigned flags, fuse_req_t req, const struct inode *parent, const char *name) {
    if (!ring_recording()) return PROCESS_UNKNOWN;
    pid_t tid = fuse_req_ctx(req)->pid;
    uint32_t process = is_passing_by(tid, parent, name) ? lineage_if_joined(tid) : lineage_refresh_pipes(tid);
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
    if (size < 0 || (is_left_out(path, (size_t)path_size) && is_left_out(to, (size_t)size))) return;
    ring_event(kind, flags, process, fuse_req_ctx(req)->uid, path, (size_t)path_size, to, (size_t)size);
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
    if (handle->process == PROCESS_UNKNOWN) handle->process = lineage_latest(handle->tid); /* it was left out, and was moved */
    tell(WRITE, 0, handle->process, handle->uid, handle->inode, NULL);
}
