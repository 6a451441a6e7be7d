/* Between pyfuse3 and libfuse.
 *
 * pyfuse3 calls libfuse through the dynamic linker, and this library is loaded before it with RTLD_GLOBAL: its two
 * functions below are found first. The first sees the table of operations and puts ours in front of pyfuse3's. The
 * second is what pyfuse3's loop calls when the device is readable: it answers here, with the GIL released, whatever
 * needs no Python, and returns only the other requests. When there are none it sleeps a little on the device itself,
 * because the way through the loop costs more than a request.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core.h"
#include "protocol.h"
#include "session.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define STAY_US 100000 /* then the loop's other tasks have their turn */
#define SLEEP_MS 50    /* on the device, before the loop sleeps on it: a turn of the loop costs as much as many requests */
#define FORGETS_AT_MOST (1u << 20)
#define EXPORTED __attribute__((visibility("default"), used))

struct configuration configuration;
struct fuse_lowlevel_ops python_ops;

static struct {
    bool active;
    int holds;
    struct fuse_session *fuse;
    int fd;
    struct session_figures figures;
    struct virtual_forget *forgets;
    size_t forget_count, forget_room;
} session = {.fd = -1};

void session_activate(void) { session.active = true; }
void session_deactivate(void) { session.active = false; }
void session_hold(int change) { session.holds += change; }
const struct session_figures *session_figures(void) { return &session.figures; }

void session_invalidate(const struct inode *inode) {
    fuse_lowlevel_notify_inval_inode(session.fuse, inode_number(inode), -1, 0); /* attributes only: waits for no page */
}

/* ---- virtual inodes -------------------------------------------------------------------------------------------- */

bool is_view_dir(fuse_ino_t parent, const char *name) {
    return parent == FUSE_ROOT_ID && configuration.view_dir[0] && strcmp(name, configuration.view_dir) == 0;
}

void forget_virtual(fuse_ino_t ino, uint64_t lookups) {
    if (session.forget_count == session.forget_room) {
        size_t room = session.forget_room ? session.forget_room * 2 : 64;
        struct virtual_forget *larger =
            room > FORGETS_AT_MOST ? NULL : realloc(session.forgets, room * sizeof *larger);
        if (!larger) return; /* that virtual inode stays; it holds nothing but its name */
        session.forgets = larger;
        session.forget_room = room;
    }
    session.forgets[session.forget_count++] = (struct virtual_forget){ino, lookups};
}

const struct virtual_forget *session_forgets(size_t *count) {
    *count = session.forget_count;
    return session.forgets;
}

void session_forgets_taken(void) { session.forget_count = 0; }

/* ---- operations ------------------------------------------------------------------------------------------------- */

static void c_init(void *userdata, struct fuse_conn_info *connection) {
    python_ops.init(userdata, connection);
    /* Only what libfuse itself does with these; the rest is settled in negotiation.c. Requests are looked at in memory. */
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
    fuse_set_feature_flag(connection, FUSE_CAP_SPLICE_WRITE);
    fuse_set_feature_flag(connection, FUSE_CAP_SPLICE_MOVE);
    fuse_unset_feature_flag(connection, FUSE_CAP_SPLICE_READ);
#else
    connection->want |= connection->capable & (FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    connection->want &= ~(unsigned)FUSE_CAP_SPLICE_READ;
#endif
    connection->max_background = 64;
    if (connection->max_write > 1 << 20) connection->max_write = 1 << 20;
}

static const struct fuse_lowlevel_ops *compose(const struct fuse_lowlevel_ops *theirs, size_t *size) {
    static struct fuse_lowlevel_ops ours;
    if (!session.active) return theirs;
    memset(&python_ops, 0, sizeof python_ops);
    memcpy(&python_ops, theirs, *size < sizeof python_ops ? *size : sizeof python_ops);
    ours = python_ops;
    ours.init = c_init;
    operations_attr(&ours);
    operations_data(&ours);
    operations_dir(&ours);
    operations_names(&ours);
    *size = sizeof ours;
    return &ours;
}

/* libfuse's headers declare these differently from version to version: assembler names keep the headers out of it. */
struct fuse_session *session_new(struct fuse_args *args, const struct fuse_lowlevel_ops *ops, size_t size,
                                 void *userdata) __asm__("fuse_session_new") EXPORTED;
struct fuse_session *session_new_versioned(struct fuse_args *args, const struct fuse_lowlevel_ops *ops, size_t size,
                                           void *version, void *userdata) __asm__("fuse_session_new_versioned") EXPORTED;
int session_receive(struct fuse_session *se, struct fuse_buf *buffer) __asm__("fuse_session_receive_buf") EXPORTED;
void session_process(struct fuse_session *se, const struct fuse_buf *buffer) __asm__("fuse_session_process_buf") EXPORTED;
size_t add_direntry_plus(fuse_req_t req, char *buffer, size_t size, const char *name, const struct fuse_entry_param *entry,
                         off_t next) __asm__("fuse_add_direntry_plus") EXPORTED;

static void *libfuse(const char *name, const char *version) {
    void *found = dlvsym(RTLD_NEXT, name, version);
    return found ? found : dlsym(RTLD_NEXT, name);
}

struct fuse_session *session_new(struct fuse_args *args, const struct fuse_lowlevel_ops *ops, size_t size, void *userdata) {
    typedef struct fuse_session *function(struct fuse_args *, const struct fuse_lowlevel_ops *, size_t, void *);
    function *next = (function *)libfuse("fuse_session_new", "FUSE_3.0");
    const struct fuse_lowlevel_ops *composed = compose(ops, &size);
    return next ? next(args, composed, size, userdata) : NULL;
}

struct fuse_session *session_new_versioned(struct fuse_args *args, const struct fuse_lowlevel_ops *ops, size_t size,
                                           void *version, void *userdata) {
    typedef struct fuse_session *function(struct fuse_args *, const struct fuse_lowlevel_ops *, size_t, void *, void *);
    function *next = (function *)libfuse("fuse_session_new_versioned", "FUSE_3.17");
    const struct fuse_lowlevel_ops *composed = compose(ops, &size);
    return next ? next(args, composed, size, version, userdata) : NULL;
}

/* pyfuse3 has no way to list a name without having it looked up: a virtual entry with a generation means that. */
size_t add_direntry_plus(fuse_req_t req, char *buffer, size_t size, const char *name, const struct fuse_entry_param *entry,
                         off_t next) {
    static size_t (*add)(fuse_req_t, char *, size_t, const char *, const struct fuse_entry_param *, off_t);
    if (!add)
        add = (size_t (*)(fuse_req_t, char *, size_t, const char *, const struct fuse_entry_param *, off_t))libfuse(
            "fuse_add_direntry_plus", "FUSE_3.0");
    struct fuse_entry_param listed = *entry;
    if (is_virtual(entry->ino) && entry->generation) listed.ino = listed.generation = 0;
    return add(req, buffer, size, name, &listed, next);
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

/* A request whose answer is Python's, seen by its header. Its handler must run with the GIL held. */
static bool is_for_python(const struct fuse_buf *buffer) {
    const struct fuse_in_header *header = buffer->mem;
    const char *body = (const char *)(header + 1);
    if (is_virtual(header->nodeid) && header->opcode != FUSE_FORGET) return true;
    switch (header->opcode) {
    case FUSE_INIT:
        return true;
    case FUSE_LOOKUP:
        return is_view_dir(header->nodeid, body);
    case FUSE_GETXATTR:
        return configuration.view_dir[0] && strncmp(body + sizeof(struct fuse_getxattr_in), "user.mycelial.", 14) == 0;
    default:
        return false;
    }
}

/* libfuse knows TMPFILE since 3.17. It is CREATE in all but the name, which is "/". */
static void understand(const struct fuse_buf *buffer) {
    struct fuse_in_header *header = buffer->mem;
    if (header->opcode == OPCODE_TMPFILE) header->opcode = FUSE_CREATE;
}

/* Sleeps a little on the device. Looking without sleeping was measured and is worse: the client that would send the
 * next request may be waiting for this very processor. */
static bool next_request(uint64_t since) {
    struct pollfd device = {.fd = session.fd, .events = POLLIN};
    if (session.holds || now_us() - since > STAY_US) return false;
    return poll(&device, 1, SLEEP_MS) > 0;
}

static void take_device(struct fuse_session *se) {
    session.fuse = se;
    session.fd = fuse_session_fd(se);
    passthrough_device(session.fd);
    int flags = fcntl(session.fd, F_GETFL);
    fcntl(session.fd, F_SETFL, flags | O_NONBLOCK);
}

static process_function *processor(void) {
    static process_function *process;
    if (!process) process = (process_function *)libfuse("fuse_session_process_buf", "FUSE_3.0");
    return process;
}

static int drain(struct fuse_session *se, struct fuse_buf *buffer) {
    static int (*receive)(struct fuse_session *, struct fuse_buf *);
    if (!receive) receive = (int (*)(struct fuse_session *, struct fuse_buf *))libfuse("fuse_session_receive_buf", "FUSE_3.0");
    process_function *process = processor();
    if (!session.active) return receive(se, buffer);
    if (session.fd != fuse_session_fd(se)) take_device(se);
    uint64_t since = now_us();
    for (;;) {
        int got = receive(se, buffer);
        if (got == -EAGAIN) {
            if (next_request(since)) continue;
            return -EINTR;
        }
        if (got <= 0) return got;
        session.figures.requests++;
        understand(buffer);
        if (is_for_python(buffer)) {
            session.figures.for_python++;
            return got;
        }
        process(se, buffer);
        if (fuse_session_exited(se)) return 0;
        if (now_us() - since > STAY_US) return -EINTR;
    }
}

int session_receive(struct fuse_session *se, struct fuse_buf *buffer) {
    PyThreadState *state = PyEval_SaveThread();
    int got = drain(se, buffer);
    ring_send();
    PyEval_RestoreThread(state);
    return got;
}

void session_process(struct fuse_session *se, const struct fuse_buf *buffer) {
    if (!session.active || !negotiation_process(se, buffer, processor())) processor()(se, buffer);
}
