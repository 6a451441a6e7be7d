/* Between pyfuse3 and libfuse.
 *
 * pyfuse3 calls libfuse through the dynamic linker, and this library is loaded before it with RTLD_GLOBAL: its functions
 * below are found first. One sees the table of operations and puts ours in front of pyfuse3's. The others have pyfuse3's
 * loop take its requests from our thread (reader.c), which alone reads the device.
 */
#include "session.h"
#include "libfuse.h"
#include "operations.h"
#include "passthrough.h"
#include "queue.h"
#include "reader.h"
#include "virtual.h"
#include "worker.h"

#include <string.h>

static bool active;

void session_activate(void) { active = true; }
void session_deactivate(void) { active = false; }

int session_start(void) {
    passthrough_device(libfuse_device(libfuse_session));
    return reader_start(libfuse_session);
}

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
    if (!active) return theirs;
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
void session_destroy(struct fuse_session *se) __asm__("fuse_session_destroy") EXPORTED;
int session_fd(struct fuse_session *se) __asm__("fuse_session_fd") EXPORTED;
int session_receive(struct fuse_session *se, struct fuse_buf *buffer) __asm__("fuse_session_receive_buf") EXPORTED;
size_t add_direntry_plus(fuse_req_t req, char *buffer, size_t size, const char *name, const struct fuse_entry_param *entry,
                         off_t next) __asm__("fuse_add_direntry_plus") EXPORTED;

struct fuse_session *session_new(struct fuse_args *args, const struct fuse_lowlevel_ops *ops, size_t size, void *userdata) {
    typedef struct fuse_session *function(struct fuse_args *, const struct fuse_lowlevel_ops *, size_t, void *);
    function *next = (function *)libfuse("fuse_session_new", "FUSE_3.0");
    const struct fuse_lowlevel_ops *composed = compose(ops, &size);
    return libfuse_session = next ? next(args, composed, size, userdata) : NULL;
}

struct fuse_session *session_new_versioned(struct fuse_args *args, const struct fuse_lowlevel_ops *ops, size_t size,
                                           void *version, void *userdata) {
    typedef struct fuse_session *function(struct fuse_args *, const struct fuse_lowlevel_ops *, size_t, void *, void *);
    function *next = (function *)libfuse("fuse_session_new_versioned", "FUSE_3.17");
    const struct fuse_lowlevel_ops *composed = compose(ops, &size);
    return libfuse_session = next ? next(args, composed, size, version, userdata) : NULL;
}

/* Who is left behind answers through the session, of which nothing is needed any more when the process ends. */
void session_destroy(struct fuse_session *se) {
    typedef void function(struct fuse_session *);
    function *next = (function *)libfuse("fuse_session_destroy", "FUSE_3.0");
    if (worker_is_left_behind())
        libfuse_hang_up(se);
    else if (next)
        next(se);
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

int session_fd(struct fuse_session *se) { return active ? queue_fd() : libfuse_device(se); }

int session_receive(struct fuse_session *se, struct fuse_buf *buffer) {
    return active ? queue_take(buffer) : libfuse_receive(se, buffer);
}
