/* The thread that reads the device. Only it does, and what needs no Python it answers itself, so no request for a real
 * file waits for the virtual tree, however many look at that: neither in a row with them, nor for Python's global lock.
 * The others queue up for pyfuse3's loop, which sleeps on an eventfd where it believes to have the device.
 *
 * The read blocks. To poll a device that does not block was measured: it takes two more system calls for each request.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core.h"
#include "protocol.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define WAKE_UP SIGRTMIN   /* has a thread look whether it is to end */
#define LOOK_AFTER_MS 100 /* whether the core was left for longer than */
/* What is too long to wait for a disk; and to look at a process, as what others do meanwhile is recorded as nobody's:
 * for a lock of the kernel's, which a program in exec holds for as long as it closes files; or else. */
#define TOO_LONG_US 100000
#define LOCKED_TOO_LONG_US 300000
#define LOOKS_TOO_LONG_US 1000000

struct request {
    struct request *next;
    void *mem;
    size_t size;
};

static pthread_mutex_t core = PTHREAD_MUTEX_INITIALIZER;

enum { READER, STAND_IN, PYTHON, THREADS }; /* that hold the core, and may leave it */
static _Thread_local unsigned thread = PYTHON;

static struct {
    pthread_mutex_t lock; /* of the queue */
    struct request *first, **last;
    int result; /* what pyfuse3 is told at the end: 0 or -errno */
    bool at_end;
    int wake_fd; /* one to be read for each request in the queue, and one for the end */
    pthread_t thread, stand_in;
    bool running, stands_in;
    atomic_bool stop, stopped, stand_in_stopped;
    int device; /* not by fuse_session_fd(), which is for pyfuse3 (session.c) */
    int timer_fd; /* wakes the stand-in */
    atomic_bool timer_set;
    atomic_int tid; /* of the reader */
    struct {
        atomic_ullong since_us; /* by now_us(); 0: it is not away */
        atomic_bool looks;      /* at a process, in the middle of lineage.c's tables */
    } away[THREADS];            /* which of them has left the core */
    struct session_figures figures;
} reader = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake_fd = -1, .timer_fd = -1};

void core_lock(void) { pthread_mutex_lock(&core); }
void core_unlock(void) { pthread_mutex_unlock(&core); }
int reader_wake_fd(void) { return reader.wake_fd; }
struct session_figures reader_figures(void) { return reader.figures; }

static void wake_python(void) {
    uint64_t one = 1;
    while (write(reader.wake_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

static void refuse(const struct fuse_in_header *request, int error) {
    struct fuse_out_header answer = {.len = sizeof answer, .error = -error, .unique = request->unique};
    if (write(reader.device, &answer, sizeof answer) < 0) return; /* nobody waits any more */
}

static void hand_over(const struct fuse_buf *buffer) {
    struct request *request = malloc(sizeof *request);
    void *mem = malloc(buffer->size);
    if (!request || !mem) {
        free(request);
        free(mem);
        refuse(buffer->mem, ENOMEM);
        return;
    }
    memcpy(mem, buffer->mem, buffer->size);
    *request = (struct request){NULL, mem, buffer->size};
    pthread_mutex_lock(&reader.lock);
    *reader.last = request;
    reader.last = &request->next;
    pthread_mutex_unlock(&reader.lock);
    wake_python();
}

int reader_take(struct fuse_buf *buffer) {
    uint64_t one;
    pthread_mutex_lock(&reader.lock);
    struct request *request = reader.first;
    if (request && !(reader.first = request->next)) reader.last = &reader.first;
    bool at_end = reader.at_end;
    pthread_mutex_unlock(&reader.lock);
    if (!request) return at_end ? reader.result : -EINTR;
    if (read(reader.wake_fd, &one, sizeof one) < 0) { /* is done by the next one */
    }
    free(buffer->mem);
    buffer->mem = request->mem;
    buffer->size = request->size;
    buffer->flags = 0;
    free(request);
    statx_as_getattr(buffer);
    return (int)buffer->size;
}

/* A request whose answer is Python's, seen by its header. Its handler must run with the GIL held. */
static bool is_for_python(const struct fuse_buf *buffer) {
    const struct fuse_in_header *header = buffer->mem;
    const char *body = (const char *)(header + 1);
    switch (header->opcode) {
    case FUSE_FORGET:
    case FUSE_RELEASEDIR:
        return false;
    case FUSE_READDIRPLUS: /* of a directory that was opened, Python gave us the listing */
        return is_virtual(header->nodeid) && !((const struct fuse_read_in *)(const void *)body)->fh;
    case FUSE_LOOKUP:
        return is_virtual(header->nodeid) || is_view_dir(header->nodeid, body);
    case FUSE_GETXATTR:
        return is_virtual(header->nodeid) ||
               (configuration.view_dir[0] && strncmp(body + sizeof(struct fuse_getxattr_in), "user.mycelial.", 14) == 0);
    default:
        return is_virtual(header->nodeid);
    }
}

/* libfuse knows TMPFILE since 3.17. It is CREATE in all but the name, which is "/". */
static void understand(const struct fuse_buf *buffer) {
    struct fuse_in_header *header = buffer->mem;
    if (header->opcode == OPCODE_TMPFILE) header->opcode = FUSE_CREATE;
}

static void answer(struct fuse_session *se, struct fuse_buf *buffer) {
    reader.figures.requests++;
    understand(buffer);
    if (is_for_python(buffer)) {
        reader.figures.for_python++;
        hand_over(buffer);
    } else {
        core_lock();
        if (statx_is_asked(buffer))
            statx_answer(reader.device, buffer);
        else
            fuse_session_process_buf(se, buffer);
        core_unlock();
    }
}

/* ---- while the core is left ----------------------------------------------------------------------------------------- */

/* Set once for many times: nothing wakes anybody while the core is not left at all. */
static void set_timer(void) {
    struct itimerspec soon = {.it_value = {.tv_nsec = LOOK_AFTER_MS * 1000000}};
    if (reader.timer_fd >= 0 && !atomic_exchange(&reader.timer_set, true)) timerfd_settime(reader.timer_fd, 0, &soon, NULL);
}

static void leave(bool looks) {
    reader.away[thread].looks = looks;
    reader.away[thread].since_us = now_us();
    if (thread == READER) set_timer();
    core_unlock();
}

void core_leave(void) { leave(true); }
void core_leave_for_disk(void) { leave(false); }

void core_return(void) {
    core_lock();
    reader.away[thread].since_us = 0;
}

bool core_is_left(void) {
    for (unsigned other = 0; other < THREADS; other++)
        if (other != thread && reader.away[other].since_us && reader.away[other].looks) return true;
    return false;
}

/* Who looks at a process shall really wait: on a busy machine he may only have got no processor for so long, and nobody
 * else can look meanwhile. */
static bool is_left_too_long(void) {
    char path[64], text[512] = "";
    uint64_t left = reader.away[READER].since_us;
    uint64_t for_us = left ? now_us() - left : 0;
    bool looks = reader.away[READER].looks;
    if (for_us <= (looks ? LOCKED_TOO_LONG_US : TOO_LONG_US)) return false;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)reader.tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) text[0] = '\0';
    if (fd >= 0) close(fd);
    const char *after = strrchr(text, ')');
    bool is_locked = after && strncmp(after, ") D", 3) == 0, runs = after && strncmp(after, ") R", 3) == 0;
    if (!looks) return !runs || for_us > LOOKS_TOO_LONG_US; /* to give back room takes the processor's time, too */
    return is_locked || (!runs && for_us > LOOKS_TOO_LONG_US);
}

/* What the reader waits for may be in the queue: a process that becomes another program closes its files first. It is
 * answered without looking at any process, and the reader goes on. */
static void *stand_in(void *session) {
    struct fuse_session *se = session;
    struct fuse_buf buffer = {.mem = NULL};
    uint64_t times;
    thread = STAND_IN;
    if (unshare(CLONE_FS)) { /* as for the reader */
    }
    while (!reader.stop) {
        struct pollfd timer = {.fd = reader.timer_fd, .events = POLLIN}, device = {.fd = reader.device, .events = POLLIN};
        if (poll(&timer, 1, -1) <= 0) continue;
        if (read(reader.timer_fd, &times, sizeof times) < 0) continue;
        reader.timer_set = false;
        while (!reader.stop && is_left_too_long()) {
            if (poll(&device, 1, 10) <= 0 || !is_left_too_long()) continue;
            int got = session_receive_request(se, &buffer); /* waits like the reader where that was quicker */
            if (got > 0) answer(se, &buffer);
            if (got <= 0 && got != -EINTR) break;
        }
        if (reader.away[READER].since_us) set_timer();
    }
    free(buffer.mem);
    reader.stand_in_stopped = true;
    return NULL;
}

/* ---- the thread ------------------------------------------------------------------------------------------------------- */

static void *read_device(void *session) {
    struct fuse_session *se = session;
    struct fuse_buf buffer = {.mem = NULL};
    int got = 0;
    thread = READER;
    reader.tid = gettid();
    if (unshare(CLONE_FS)) { /* from now on this thread has a umask of its own, where that is allowed */
    }
    while (!reader.stop && !fuse_session_exited(se)) {
        got = session_receive_request(se, &buffer);
        if (got > 0)
            answer(se, &buffer);
        else if (got != -EINTR)
            break;
    }
    free(buffer.mem);
    pthread_mutex_lock(&reader.lock);
    reader.result = got < 0 && got != -EINTR ? got : 0;
    reader.at_end = true;
    pthread_mutex_unlock(&reader.lock);
    wake_python();
    reader.stopped = true;
    return NULL;
}

static void ignore(int number) { (void)number; }

int reader_init(void) {
    reader.first = NULL;
    reader.last = &reader.first;
    reader.at_end = false;
    reader.figures = (struct session_figures){0, 0};
    if (reader.wake_fd < 0) reader.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
    if (reader.timer_fd < 0) reader.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return reader.wake_fd < 0 ? errno : 0;
}

/* The first request is answered with pyfuse3's help, before there is anybody else who reads. */
static int begin(struct fuse_session *se) {
    struct fuse_buf buffer = {.mem = NULL};
    int got;
    Py_BEGIN_ALLOW_THREADS;
    do got = session_receive_request(se, &buffer);
    while (got == -EINTR);
    Py_END_ALLOW_THREADS;
    if (got > 0 && !negotiation_process(se, &buffer)) fuse_session_process_buf(se, &buffer);
    free(buffer.mem);
    return got < 0 ? -got : 0;
}

int reader_start(struct fuse_session *se) {
    reader.device = session_device(se);
    int error = begin(se);
    if (error) return error;
    struct sigaction action = {.sa_handler = ignore}; /* not SA_RESTART: the read is to return */
    sigset_t others, before;
    sigaction(WAKE_UP, &action, NULL);
    reader.stop = reader.stopped = reader.stand_in_stopped = false;
    sigfillset(&others);
    sigdelset(&others, WAKE_UP);
    pthread_sigmask(SIG_SETMASK, &others, &before); /* what it inherits: Python's signals are the main thread's */
    error = pthread_create(&reader.thread, NULL, read_device, se);
    reader.stands_in = !error && reader.timer_fd >= 0 && pthread_create(&reader.stand_in, NULL, stand_in, se) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    reader.running = error == 0;
    return error;
}

void reader_stop(void) {
    struct timespec moment = {.tv_nsec = 1000000};
    if (!reader.running) return;
    reader.stop = true;
    while (!reader.stopped || (reader.stands_in && !reader.stand_in_stopped)) { /* again and again: it may come just before the read */
        if (!reader.stopped) pthread_kill(reader.thread, WAKE_UP);
        if (reader.stands_in && !reader.stand_in_stopped) pthread_kill(reader.stand_in, WAKE_UP);
        nanosleep(&moment, NULL);
    }
    pthread_join(reader.thread, NULL);
    if (reader.stands_in) pthread_join(reader.stand_in, NULL);
    reader.running = false;
}
