/* The thread that reads the device, alone but while it is held up. What needs no Python it answers itself, so no request
 * for a real file waits for the virtual tree, however many look at that: neither in a row with them, nor for Python's
 * global lock. The others queue up for pyfuse3's loop, which sleeps on an eventfd where it believes to have the device.
 *
 * The read blocks. To poll a device that does not block was measured: it takes two more system calls for each request.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "reader.h"
#include "configuration.h"
#include "libfuse.h"
#include "lineage.h"
#include "lock.h"
#include "negotiation.h"
#include "placement.h"
#include "postponed.h"
#include "proc.h"
#include "protocol.h"
#include "queue.h"
#include "statx.h"
#include "virtual.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAKE_UP SIGRTMIN /* has a thread look whether it is to end */
/* What is too long to wait for a disk; and to look at a process, as what others do meanwhile is recorded as nobody's:
 * for a lock of the kernel's, which a program in exec holds for as long as it closes files; or else. */
#define TOO_LONG_US 100000
#define LOCKED_TOO_LONG_US 300000
#define LOOKS_TOO_LONG_US 1000000
/* What a program holds up that is kept from becoming another one, by a disk that does not answer, may last for ever. */
#define LOST_US 2000000
#define DISK_PATIENCE_US 10000000 /* at the end */

static struct {
    struct fuse_session *session;
    atomic_uint waiting; /* of those who are lost, for a disk */
    atomic_bool stop;
    int device; /* not by fuse_session_fd(), which is for pyfuse3 (session.c) */
    atomic_ulong requests, for_python;
} reader;

struct session_figures reader_figures(void) { return (struct session_figures){reader.requests, reader.for_python}; }

static void refuse(const struct fuse_in_header *request, int error) {
    struct fuse_out_header answer = {.len = sizeof answer, .error = -error, .unique = request->unique};
    if (write(reader.device, &answer, sizeof answer) < 0) return; /* nobody waits any more */
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

/* Of a user who has his share of those who wait: one whose answer makes something wait, and that others can wait for. What
 * the kernel asks for by itself, to give something back, or to write what it kept, names nobody. */
static bool is_held_back(const struct fuse_in_header *request) {
    const struct fuse_write_in *write = (const void *)(request + 1);
    switch (request->opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_DESTROY:
    case FUSE_READ:
        return false;
    case FUSE_WRITE:
        if (write->write_flags & FUSE_WRITE_CACHE) return false;
        break;
    }
    return core_has_share(request->uid);
}

/* With the core. */
static void process(struct fuse_session *se, struct fuse_buf *buffer) {
    const struct fuse_in_header *request = buffer->mem;
    const struct fuse_interrupt_in *interrupt = (const void *)(request + 1);
    struct fuse_in_header waiting = {.unique = request->opcode == FUSE_INTERRUPT ? interrupt->unique : 0};
    int error = 0;
    core_seat->uid = request->uid;
    if (core_seat == core_seats.reader) placement_follow(request);
    if (waiting.unique && postponed_drop(waiting.unique))
        refuse(&waiting, EINTR);
    else if (is_held_back(request))
        error = postponed_hold();
    else if (statx_is_asked(buffer))
        statx_answer(reader.device, buffer);
    else
        fuse_session_process_buf(se, buffer);
    if (error) refuse(request, error);
}

static void replace_others(void);

static void answer(struct fuse_session *se, struct fuse_buf *buffer) {
    reader.requests++;
    understand(buffer);
    if (is_for_python(buffer)) {
        reader.for_python++;
        if (!queue_put(buffer)) refuse(buffer->mem, ENOMEM);
    } else {
        core_lock();
        if (core_seat == core_seats.reader) replace_others();
        postponed_answering(buffer);
        process(se, buffer);
        core_unlock();
    }
}

/* Answering is interrupted by nothing: a signal that is meant for the wait may come late, and then waits itself. */
static void stop_waiting(void) {
    sigset_t wake_up;
    core_seat->waits = false;
    if (!reader.stop) return;
    sigemptyset(&wake_up);
    sigaddset(&wake_up, WAKE_UP);
    pthread_sigmask(SIG_BLOCK, &wake_up, NULL);
}

/* ---- while the core is left ----------------------------------------------------------------------------------------- */

/* Who looks at a process shall really wait: on a busy machine he may only have got no processor for so long, and nobody
 * else can look meanwhile. */
static bool is_away_too_long(const struct seat *other, uint64_t locked_us, uint64_t looks_us) {
    char path[64], text[512] = "";
    uint64_t left = other->since_us;
    uint64_t for_us = left ? now_us() - left : 0;
    bool looks = other->looks;
    if (for_us <= (looks ? locked_us : TOO_LONG_US)) return false;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)other->tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) text[0] = '\0';
    if (fd >= 0) close(fd);
    char state = proc_state(text);
    if (!looks) return state != 'R' || for_us > looks_us; /* to give back room takes the processor's time, too */
    return state == 'D' || (state != 'R' && for_us > looks_us);
}

static bool is_left_too_long(void) { return is_away_too_long(core_seats.reader, LOCKED_TOO_LONG_US, LOOKS_TOO_LONG_US); }
/* Who waits for a disk, at once: the next one may wait for it, too. */
static bool is_lost(const struct seat *other) { return is_away_too_long(other, LOST_US, other->looks ? LOST_US : LOOKS_TOO_LONG_US); }

/* With a umask of its own, which is not allowed everywhere. */
static void take_seat(void *own) {
    core_seat = own;
    core_seat->tid = gettid();
    core_seat->shares_umask = unshare(CLONE_FS) != 0;
    core_lock(); /* until all have their seats */
    core_unlock();
}

static struct seat *begin_thread(void *(*run)(void *)) {
    struct seat *new = calloc(1, sizeof *new);
    if (new && pthread_create(&new->thread, NULL, run, new)) {
        free(new);
        new = NULL;
    }
    return new;
}

/* It answers its request when it is back, and ends. Who waits for a disk has nothing of the tables, somebody else may. */
static void give_up(struct seat *other) {
    other->lost = true;
    other->lost_for = other->uid;
    other->waited = !other->looks;
    core_seats.lost[core_seats.lost_count++] = other;
    if (other->waited)
        reader.waiting++;
    else
        lineage_begin_anew();
    pthread_detach(other->thread);
}

static void end_lost(void) {
    unsigned i = 0;
    core_lock();
    if (core_seats.closed) core_stay_away();
    while (core_seats.lost[i] != core_seat) i++; /* it is there: give_up() */
    core_seats.lost[i] = core_seats.lost[--core_seats.lost_count];
    if (core_seat->waited) reader.waiting--;
    core_unlock();
    free(core_seat);
}

static void leave_seat(void) {
    if (core_seat->lost)
        end_lost();
    else
        core_seat->stopped = true;
}

static int receive(struct fuse_buf *buffer) {
    core_seat->waits = true;
    int got = reader.stop ? -EINTR : libfuse_receive(reader.session, buffer);
    stop_waiting();
    return got;
}

static void *stand_in(void *own);
static void *ask_again(void *own);

/* With the core. */
static bool replace(struct seat **seat, void *(*run)(void *)) {
    if (reader.stop || !*seat || !(*seat)->since_us || core_seats.lost_count >= LOST_AT_MOST || !is_lost(*seat)) return false;
    struct seat *next = begin_thread(run);
    if (!next) return false;
    give_up(*seat);
    *seat = next;
    return true;
}

static void replace_others(void) {
    replace(&core_seats.stand_in, stand_in);
    replace(&core_seats.asks_again, ask_again);
}

/* With a new stand-in: without one, whoever is held up next would be for good. */
static bool takes_over(void) {
    core_lock();
    bool taken = replace(&core_seats.reader, stand_in);
    if (taken) {
        core_seats.stand_in = core_seats.reader;
        core_seats.reader = core_seat;
    }
    core_unlock();
    return taken;
}

/* Whether who asks again is away, and not yet for too long. */
static bool replace_who_asks_again(void) {
    core_lock();
    bool is_away = !replace(&core_seats.asks_again, ask_again) && core_seats.asks_again && core_seats.asks_again->since_us;
    core_unlock();
    return is_away;
}

static void read_on(struct fuse_buf *buffer);

/* What the reader waits for may be in the queue: a process that becomes another program closes its files first. It is
 * answered without looking at any process, and the reader goes on. Where it does not, or waits for a disk, its place is
 * taken. */
static void *stand_in(void *own) {
    struct fuse_buf buffer = {.mem = NULL};
    take_seat(own);
    placement_anywhere();
    placement_go_first();
    while (!reader.stop && !core_seat->lost) {
        struct pollfd timer = {.fd = core_timer(), .events = POLLIN}, device = {.fd = reader.device, .events = POLLIN};
        core_seat->waits = true;
        bool is_due = !reader.stop && poll(&timer, 1, -1) > 0;
        stop_waiting();
        if (!is_due || !core_take_timer()) continue;
        bool comes_again = replace_who_asks_again();
        while (!reader.stop && !core_seat->lost && is_left_too_long()) {
            if (is_lost(core_seats.reader) && takes_over()) {
                if (comes_again) core_set_timer();
                read_on(&buffer);
                return NULL;
            }
            if (poll(&device, 1, 10) <= 0 || !is_left_too_long()) continue;
            int got = receive(&buffer); /* waits like the reader where that was quicker */
            if (got > 0) answer(reader.session, &buffer);
            if (got <= 0 && got != -EINTR) break;
        }
        if (!core_seat->lost && (comes_again || core_seats.reader->since_us)) core_set_timer();
    }
    free(buffer.mem);
    leave_seat();
    return NULL;
}

/* ---- the thread ------------------------------------------------------------------------------------------------------- */

/* Until the end. */
static void read_on(struct fuse_buf *buffer) {
    int got = 0;
    while (!reader.stop && !core_seat->lost && !fuse_session_exited(reader.session)) {
        got = receive(buffer);
        if (got > 0)
            answer(reader.session, buffer);
        else if (got != -EINTR)
            break;
    }
    free(buffer->mem);
    if (!core_seat->lost) queue_end(got < 0 && got != -EINTR ? got : 0);
    leave_seat();
}

static void *read_device(void *own) {
    struct fuse_buf buffer = {.mem = NULL};
    take_seat(own);
    placement_go_first();
    read_on(&buffer);
    return NULL;
}

static bool answer_postponed(void) {
    struct fuse_buf buffer;
    core_lock();
    bool taken = postponed_take(&buffer);
    if (taken) {
        process(reader.session, &buffer);
        postponed_give_back(&buffer);
    }
    core_unlock();
    return taken;
}

/* What was postponed is asked again here, looking at no process: the reader may do that at the same time. Where this
 * one waits for a disk, another does. */
static void *ask_again(void *own) {
    take_seat(own);
    placement_anywhere();
    core_seat->looks_at_nobody = true;
    while (!reader.stop && !core_seat->lost) {
        struct pollfd timer = {.fd = postponed_timer(), .events = POLLIN};
        core_seat->waits = true;
        bool is_due = !reader.stop && poll(&timer, 1, -1) > 0;
        stop_waiting();
        while (is_due && !reader.stop && !core_seat->lost && answer_postponed()) continue;
    }
    leave_seat();
    return NULL;
}

static void ignore(int number) { (void)number; }

int reader_init(void) {
    reader.requests = reader.for_python = 0;
    int error = queue_init();
    if (!error) error = core_init();
    return error ? error : postponed_init();
}

/* The first request is answered with pyfuse3's help, before there is anybody else who reads. */
static int begin(struct fuse_session *se) {
    struct fuse_buf buffer = {.mem = NULL};
    int got;
    Py_BEGIN_ALLOW_THREADS;
    do got = libfuse_receive(se, &buffer);
    while (got == -EINTR);
    Py_END_ALLOW_THREADS;
    if (got > 0 && !negotiation_process(se, &buffer)) fuse_session_process_buf(se, &buffer);
    free(buffer.mem);
    return got < 0 ? -got : 0;
}

int reader_start(struct fuse_session *se) {
    reader.device = libfuse_device(se);
    int error = begin(se);
    if (error) return error;
    struct sigaction action = {.sa_handler = ignore}; /* not SA_RESTART: the read is to return */
    sigset_t others, before;
    sigaction(WAKE_UP, &action, NULL);
    reader.session = se;
    placement_init();
    reader.stop = core_seats.closed = false;
    sigfillset(&others);
    sigdelset(&others, WAKE_UP);
    pthread_sigmask(SIG_SETMASK, &others, &before); /* what it inherits: Python's signals are the main thread's */
    core_lock();
    core_seats.reader = begin_thread(read_device);
    core_seats.stand_in = core_seats.reader ? begin_thread(stand_in) : NULL;
    core_seats.asks_again = core_seats.reader ? begin_thread(ask_again) : NULL;
    if (core_seats.asks_again) postponed_begin();
    core_unlock();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return core_seats.reader ? 0 : EAGAIN;
}

/* Whether it has ended, or was given up as it does not come back. */
static bool is_over(struct seat *other, uint64_t waited_us) {
    if (other->stopped) return true;
    if (other->waits) pthread_kill(other->thread, WAKE_UP); /* again and again: it may come just before the wait */
    core_lock();
    uint64_t patience = other->looks ? LOST_US : DISK_PATIENCE_US;
    bool is_lost = other->since_us && waited_us > patience;
    if (is_lost) {
        give_up(other);
        core_seats.closed = true;
    }
    core_unlock();
    return is_lost;
}

static void end_thread(struct seat **other) {
    uint64_t begun = now_us();
    if (!*other) return;
    while (!is_over(*other, now_us() - begun)) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    core_lock(); /* the others look at it */
    struct seat *ended = *other;
    *other = NULL;
    core_unlock();
    if (ended->lost) return;
    pthread_join(ended->thread, NULL);
    free(ended);
}

void reader_stop(void) {
    reader.stop = true;
    core_lock(); /* from now on nobody takes another's place */
    core_unlock();
    uint64_t begun = now_us();
    while (reader.waiting && now_us() - begun < DISK_PATIENCE_US) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    core_lock();
    core_seats.closed = core_seats.lost_count > 0;
    core_unlock();
    end_thread(&core_seats.asks_again);
    core_lock();
    postponed_end();
    core_unlock();
    end_thread(&core_seats.stand_in); /* before the reader: it looks at the reader's seat at any time */
    end_thread(&core_seats.reader);
}
