/* What the parts of the core share: the inode table, open handles, the caller, the event log and the session.
 *
 * One thread runs everything here, the one that reads the device (reader.c), so nothing is locked; Python asks under
 * core_lock(). The exceptions say so: worker.c (threads for what may take long) and reach.c (called from any thread).
 */
#ifndef MYCELIAL_CORE_H
#define MYCELIAL_CORE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

static inline uint64_t now_us(void) { /* on a clock that nobody sets */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000;
}

/* ---- inode.c: what the kernel knows by number ---------------------------------------------------------------- */

struct handle;

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
    uint32_t holds;         /* the descriptor is in use and must not be evicted */
    dev_t dev;
    ino_t ino;
    uint64_t born; /* ns; 0 where the filesystem does not know */
    uint32_t generation; /* tells it from another that had its number before, to whoever keeps a file handle */
    uint64_t told_us; /* when the kernel was told its name and attributes, by now_us() */
    mode_t type;      /* S_IFMT bits */
    struct statx_timestamp cached; /* change time of the content in the kernel's cache, as far as we know */
    int fd;        /* O_PATH descriptor or -1 */
    int backing_id; /* of kernel passthrough while open in that way, or 0 */
    bool hashed, pinned;
    bool setgid; /* when it was seen last */
    bool large;  /* when it lost a name: to give its room back takes long */
};

#define VIRTUAL_BIT (1ULL << 63) /* inodes of the virtual tree: answered in Python */
static inline bool is_virtual(fuse_ino_t ino) { return (ino & VIRTUAL_BIT) != 0; }

int inode_init(int source_fd, unsigned max_descriptors);
void inode_shutdown(void);
struct inode *inode_of(fuse_ino_t ino);
fuse_ino_t inode_number(const struct inode *inode);
int inode_lookup(struct inode *parent, const char *name, struct fuse_entry_param *entry);
void inode_adopt(struct inode *parent, const char *name, const struct statx *stx, struct fuse_entry_param *entry);
struct inode *inode_find(const struct statx *stx);
bool inode_is_told(const struct inode *parent, const char *name, ino_t ino); /* and the kernel keeps it for a while */
void inode_forget(struct inode *inode, uint64_t lookups);
int inode_stat(struct inode *inode, struct statx *stx);
void inode_seen(struct inode *inode, const struct statx *stx);
bool inode_is(const struct inode *inode, const struct statx *stx);
void inode_rename(struct inode *inode, struct inode *parent, const char *name);
void inode_unname(struct inode *inode, const struct inode *parent, const char *name);
void inode_reference(struct inode *inode);
void inode_unreference(struct inode *inode);
unsigned long inode_count(void);
/* A descriptor of a directory; valid until the matching dir_release. Negative errno on failure. */
int dir_acquire(struct inode *dir);
void dir_release(struct inode *dir);
/* An O_PATH descriptor of anything, checked to be that inode; *owned says whether to close it. */
int inode_open_path(struct inode *inode, bool *owned);
struct inode *inode_pin(int dir_fd, const char *name, bool *pinned);
void inode_unpin(struct inode *inode);
void inode_close(const struct inode *inode, int fd); /* one of its descriptors */
int stat_at(int dir_fd, const char *name, struct statx *stx);
int stat_fd(int fd, struct statx *stx);
void stat_from_statx(const struct statx *stx, struct stat *st);
/* The path below the source, without a leading slash; its length, or -1 when the inode has no name or no room. */
int inode_path(const struct inode *inode, const char *last, char *buffer, size_t size);
bool name_is_plain(const char *name);

/* ---- ops_data.c: one open file --------------------------------------------------------------------------------- */

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
struct handle *handle_new(fuse_req_t req, struct inode *inode, int fd, int flags, const struct statx *stx);
void handle_close(struct handle *handle);
double attr_timeout(const struct inode *inode); /* seconds */
struct open_reply;
struct open_reply handle_reply(fuse_req_t req, struct handle *handle); /* what the kernel is told of this open file */
/* The flags for the file below. Our buffers are not aligned, so O_DIRECT ends here; O_TRUNC waits for the check. */
int flags_below(int flags);
int open_plain(int dir, const char *name, int flags); /* never waits; -1 and errno on failure */
int open_again(int fd, int flags); /* the same file, from an O_PATH descriptor; -errno on failure */
void answer_fsync(fuse_req_t req, int fd, bool data_only, bool close_it); /* when the disk has it */
int listing_fd(fuse_ino_t ino, const struct fuse_file_info *fi, bool *owned); /* ops_dir.c: of an open directory; -errno */
void listings_give_up(void);

/* ---- caller.c: acting with the rights of the process that asks ------------------------------------------------ */

void caller_init(void);
/* fsuid, fsgid, supplementary groups, umask, and the capabilities over what is going to be changed: one file, or two. */
void caller_become(fuse_req_t req, int fd, int other);
void caller_become_user(fuse_req_t req); /* fsuid and fsgid alone: enough for a write to clear setuid */
void caller_restore(void);
bool caller_is_in_group(fuse_req_t req, gid_t gid); /* as the kernel asks: root is in each */
void caller_set(uid_t uid, gid_t gid, const gid_t *groups, size_t count); /* this thread only */

/* ---- rights.c: what FUSE does not tell of who asks ------------------------------------------------------------- */

#define MAX_GROUPS 1024 /* more than that are left out; the kernel has judged by all of them */

struct rights {
    uint32_t capabilities; /* those that overrule what a file's modes say, as a mask */
    size_t group_count;
    gid_t groups[MAX_GROUPS];
    bool is_elsewhere; /* in a user namespace of its own: the capabilities are over the files of its users only */
};
void rights_of(pid_t tid, uid_t uid, gid_t gid, struct rights *rights); /* who has these ids now */
bool rights_reach(pid_t tid, int fd); /* whether the file is of users of that process' namespace, by what it is now */
void rights_read(pid_t tid, struct rights *rights);                     /* on any thread, without the core */

/* ---- lineage.c: who a process is and where it comes from --------------------------------------------------------- */

int lineage_init(unsigned max_processes);
uint32_t lineage_number(pid_t tid);        /* announces the process when it is new or changed */
uint32_t lineage_refresh_pipes(pid_t tid); /* as above, and looks at its pipeline again */
pid_t lineage_parent(pid_t pid);           /* 0 when there is none */
uint32_t lineage_latest(pid_t tid);        /* what was announced last, without looking */
void lineage_redirected(pid_t tid);        /* its standard streams are as the program will have them that it becomes */
bool lineage_is_becoming(pid_t pid); /* another program, in the middle of exec: most of /proc waits for its end */
void lineage_announce_again(void);
void lineage_begin_anew(void); /* all that is known of processes is forgotten: who was looking at one will not go on */
_Noreturn void lineage_turn_back(void); /* out of what this thread was looking at, to whoever asked it to */
void lineage_ignore(pid_t pid);
unsigned long lineage_reads(void);
__attribute__((format(printf, 3, 4))) ssize_t read_proc(char *buffer, size_t size, const char *format, ...);
ssize_t read_proc_apart(char *buffer, size_t size, pid_t pid, const char *name); /* on any thread, without the core */
size_t read_proc_link(char *buffer, size_t size, pid_t pid, const char *name);

/* ---- pipeline.c: the pipes that join a process to its neighbours ------------------------------------------------ */

#define MAX_PIPES 16
struct pipes {
    uint64_t inodes[MAX_PIPES]; /* the process's own first */
    unsigned count;
};
struct pipeline {
    struct pipes in, out;
    unsigned neighbours; /* other parts of the pipeline whose command is known */
};
bool pipeline_follow(struct pipeline *pipeline, pid_t pid); /* whether more is known */           
void pipeline_named(struct pipeline *pipeline, pid_t pid, int fd);      /* a pipe given as /dev/fd/N */
void pipeline_to_be_named(struct pipeline *pipeline, pid_t pid, pid_t shell); /* to what a shell's copy becomes */
/* What is known of the neighbours, each with its length in front: number, streams 0 to 2, command line; bytes. */
void pipeline_forget_all(void);
size_t pipeline_neighbours(const struct pipeline *pipeline, char *buffer, size_t room);

/* ---- starting.c: whether a shell is still starting the programs of a pipeline ----------------------------------- */

bool starting_is_busy(pid_t pid);
bool starting_is_alive(pid_t pid); /* and has not ended, waiting for its parent to notice */
bool starting_is_moving(pid_t pid, uint64_t waited_us);
bool starting_is_copy(pid_t child, pid_t shell, uint64_t waited_us);
uint64_t starting_ran_us(pid_t pid, uint64_t waited_us);
bool starting_holds(pid_t pid, uint64_t pipe, int mode); /* O_RDONLY or O_WRONLY: that end of it */
int starting_mode(pid_t pid, int fd);                    /* how it is open, or -1 */

/* ---- watch.c: what a shell's child becomes ------------------------------------------------------------------------ */

void watch_child(pid_t pid, const char *cmdline, size_t size);    /* that it has as the copy of its shell */
size_t watch_command_line(pid_t pid, char *buffer, size_t room); /* of the first program that it became; bytes */

/* ---- ring.c: events on their way to the engine ------------------------------------------------------------------- */

enum event_kind { PROCESS = 1, OPEN, EXEC, CREATE, WRITE, RENAME, LINK, UNLINK, DROPPED, READ, SERIAL = 13 };
enum event_flag { EVENT_TRUNCATED = 1, EVENT_DIRECTORY = 2 };
#define PROCESS_UNKNOWN 0u
#define PROCESS_IGNORED UINT32_MAX

int ring_init(bool recording, size_t capacity);
bool ring_recording(void);
void ring_event(enum event_kind kind, unsigned flags, uint32_t process, uint32_t uid, const char *path, size_t path_size,
                const char *to, size_t to_size);
bool ring_process(uint32_t process, uint32_t uid, const void *payload, size_t size); /* false: there was no room */
void ring_deliver_to(int socket);
bool ring_send(void); /* as much as the socket takes; whether that was all */
const void *ring_peek(size_t *size); /* the oldest message, or NULL */
void ring_pop(void);                 /* it was sent */
void ring_stored(uint64_t serial);   /* up to this message the engine needs nothing again */
void ring_send_again(void);          /* there is a new engine, which has nothing of what was not stored */
int ring_wake_fd(void); /* readable when something waits since it was sent last */
uint64_t ring_dropped(void);
/* What the operations call: nothing is said when recording is off or the path has no name. They return the process. */
uint32_t record_inode(enum event_kind kind, unsigned flags, fuse_req_t req, const struct inode *inode);
uint32_t record_name(enum event_kind kind, unsigned flags, fuse_req_t req, const struct inode *parent, const char *name);
void record_two(enum event_kind kind, unsigned flags, fuse_req_t req, const char *path, int path_size,
                const struct inode *parent, const char *name);
void record_read(const struct handle *handle); /* closed after reading, if more is known of the reader than at the open */
void record_write(struct handle *handle); /* closed after writing, or made and left empty */

/* ---- listing.c: open directories of the virtual tree ------------------------------------------------------------ */

struct virtual_listing *listing_new(void); /* NULL: no memory */
/* With an inode's number (which Python has counted as looked up), it is told with its attributes. */
bool listing_add(struct virtual_listing *listing, const char *name, const struct fuse_entry_param *entry);
void listing_free(struct virtual_listing *listing);
void virtual_readdirplus(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi);
void virtual_releasedir(fuse_req_t req, struct fuse_file_info *fi);

/* ---- passthrough.c: reads and writes that never come here ----------------------------------------------------- */

bool passthrough_wanted(void); /* and possible, as far as it depends on this process */
void passthrough_begin(void);
void passthrough_device(int device);
bool passthrough_is_on(void);
unsigned long passthrough_opens(void);
int passthrough_open(fuse_req_t req, struct handle *handle); /* the backing id, or 0 */
bool passthrough_writable(const struct inode *inode); /* it may change now without a request */
bool passthrough_wrote(struct handle *handle);                           /* since this was asked last */
void passthrough_close(struct inode *inode);                             /* its last handle is closed */

/* ---- statx.c: a request that libfuse does not know ------------------------------------------------------------ */

bool statx_is_asked(const struct fuse_buf *buffer);
void statx_answer(int device, const struct fuse_buf *buffer); /* of a real file */
void statx_as_getattr(struct fuse_buf *buffer);                            /* of a virtual one, before libfuse gets it, */
bool statx_expect(fuse_req_t req); /* and where it has become this: its answer will be put right; false: no room */

/* ---- worker.c: threads for what may take long ---------------------------------------------------------------- */

struct job {
    struct job *next;
    void (*run)(const struct job *job); /* on another thread, without the core; it answers the request */
    fuse_req_t req; /* or NULL: nobody asked for it */
    struct handle *handle; /* of a read */
    void *data; /* to be written; the job's own */
    int fd, fd_out;
    off_t off, off_out;
    size_t size, done;
    bool data_only, close_it, as_caller;
};
void worker_init(void);
void worker_shutdown(void);
void worker_submit(struct job job); /* of the kind that the operations make; not while acting as the caller */
void worker_close(int fd); /* the last that holds a large file without a name, maybe: its room is given back then */
/* Reads /proc/PID/cmdline elsewhere and waits 50 ms at most; bytes read. */
size_t worker_read_cmdline(pid_t pid, char *buffer, size_t size);

/* ---- negotiation.c: what the kernel offers, and what is taken of it ------------------------------------------- */

struct negotiated {
    uint32_t minor;           /* of the kernel's protocol */
    uint64_t offered, agreed; /* INIT_* flags, see protocol.h */
};
extern struct negotiated negotiated;
bool is_writeback(void); /* the kernel collects writes */

/* Has INIT answered by libfuse, and the answer completed; false when this is another request, or nothing was done. */
bool negotiation_process(struct fuse_session *se, const struct fuse_buf *request);

/* ---- reader.c: the thread that reads the device --------------------------------------------------------------- */

void core_lock(void); /* held while a request is answered here */
void core_unlock(void);
void core_leave(void); /* to look at a process, which may wait for another that waits for us */
void core_leave_for_disk(void);
void core_return(void);
bool core_is_left(void); /* by another thread, which looks at a process: this one must not */
int reader_start(struct fuse_session *se); /* with the GIL held; 0 or an error's number */
int reader_wake_fd(void);                 /* readable while requests wait for Python */
int reader_take(struct fuse_buf *buffer); /* one of these, as fuse_session_receive_buf gives it */

/* ---- session.c ------------------------------------------------------------------------------------------------ */

struct configuration {
    double timeout; /* seconds for which the kernel may keep names and attributes */
    char view_dir[256];                 /* empty: no virtual tree */
    bool show_view_dir, passthrough;
    bool writeback; /* the kernel collects writes and hands them over later, in nobody's name */
};
extern struct configuration configuration;
/* Nobody else changes the source: what is not there and what a directory holds may be kept, too. */
static inline bool is_exclusive(void) { return configuration.timeout > 1; }
extern struct fuse_lowlevel_ops python_ops; /* pyfuse3's handlers, for virtual inodes */

int session_device(struct fuse_session *se); /* what libfuse's own functions answer, */
int session_receive_request(struct fuse_session *se, struct fuse_buf *buffer); /* past those for pyfuse3 */
/* The kernel's attributes of an inode are out of date. */
void session_invalidate(const struct inode *inode);
bool is_view_dir(fuse_ino_t parent, const char *name);
void forget_virtual(fuse_ino_t ino, uint64_t lookups);

void operations_attr(struct fuse_lowlevel_ops *ops);
void operations_data(struct fuse_lowlevel_ops *ops);
void operations_dir(struct fuse_lowlevel_ops *ops);
void operations_names(struct fuse_lowlevel_ops *ops);

/* For virtual inodes: hand the request to pyfuse3, or refuse it where pyfuse3 has no handler. */
#define DELEGATE(ino, op, ...)                                                                                         \
    do {                                                                                                               \
        if (is_virtual(ino)) {                                                                                         \
            python_ops.op(__VA_ARGS__);                                                                                \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)
#define REFUSE_VIRTUAL(ino, error)                                                                                     \
    do {                                                                                                               \
        if (is_virtual(ino)) {                                                                                         \
            fuse_reply_err(req, error);                                                                                \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

#endif
