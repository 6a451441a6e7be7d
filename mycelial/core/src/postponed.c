/* Requests that wait for a lease: a server for other machines that keeps a file to itself is asked to return it, and has
 * most of a minute for that. Nobody waits here meanwhile, neither a thread nor who comes next: anybody can take leases on
 * his own files, as many as he likes. The kernel says that there is one, and is asked again, a little later each time. Who waits
 * gets the file that he asked for, as below, though its name leads to another one by then.
 * So are the requests of a user for whom many threads wait, which leave some for others.
 */
#include "postponed.h"
#include "inode.h"
#include "way.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define FIRST_PAUSE_US 2000
#define LONGEST_PAUSE_US 50000
#define FOR_EACH_US 1000 /* of those that wait for one user: he has few asked at a time */
#define LONGEST_OF_ALL_US 1000000
#define MOST_OF_ONE_BYTES (16u << 20) /* of what a user's requests hold */
#define USUAL_TIME_S 45 /* that the kernel gives a holder */
#define GRACE_S 5

struct request {
    struct request *next;
    uint64_t due_us, pause_us, until_us; /* or 0: for as long as it takes */
    struct inode *inode; /* or NULL; kept until it has settled */
    struct fuse_buf buffer;
};

static struct {
    struct request *first;
    uint64_t patience_us;
    bool begun;
    int timer;
} postponed = {.timer = -1};

static _Thread_local struct {
    const struct fuse_buf *buffer;
    uint64_t pause_us, until_us; /* 0: it was not postponed before, or not for a lease */
    struct inode *inode;
} answering;

int postponed_init(void) {
    unsigned long seconds = USUAL_TIME_S;
    FILE *file = fopen("/proc/sys/fs/lease-break-time", "re");
    if (file && fscanf(file, "%lu", &seconds) != 1) seconds = USUAL_TIME_S;
    if (file) fclose(file);
    postponed.patience_us = (seconds + GRACE_S) * 1000000u;
    if (postponed.timer < 0) postponed.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return postponed.timer < 0 ? errno : 0;
}

int postponed_timer(void) { return postponed.timer; }

static void set_timer(uint64_t due_us) {
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_us / 1000000), .tv_nsec = (long)(due_us % 1000000) * 1000}};
    timerfd_settime(postponed.timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static uint64_t first_due_us(void) {
    uint64_t first = 0;
    for (struct request *request = postponed.first; request; request = request->next)
        if (!first || request->due_us < first) first = request->due_us;
    return first;
}

static const struct fuse_in_header *header_of(const struct fuse_buf *buffer) { return buffer->mem; }

/* Twice as long each time; and as many as wait for one user are asked no oftener than a few that do. 0: he has too many. */
static uint64_t next_pause_us(void) {
    uint64_t pause = answering.pause_us ? 2 * answering.pause_us : FIRST_PAUSE_US, least = 0;
    size_t bytes = answering.buffer->size;
    for (struct request *request = postponed.first; request; request = request->next) {
        if (header_of(&request->buffer)->uid != header_of(answering.buffer)->uid) continue;
        least += FOR_EACH_US;
        bytes += request->buffer.size;
    }
    if (pause > LONGEST_PAUSE_US) pause = LONGEST_PAUSE_US;
    if (least > LONGEST_OF_ALL_US) least = LONGEST_OF_ALL_US;
    return bytes > MOST_OF_ONE_BYTES ? 0 : pause > least ? pause : least;
}

void postponed_answering(const struct fuse_buf *buffer) {
    answering.buffer = buffer->flags & FUSE_BUF_IS_FD ? NULL : buffer;
    answering.pause_us = answering.until_us = 0;
    answering.inode = NULL;
}

bool postponed_before(void) { return answering.until_us; }

static void hold(struct inode *inode) {
    struct way way;
    inode_unsettle(inode);
    if (inode->fd >= 0 || way_begin(&way, inode)) return;
    if (!way.owned || !inode_hold(inode, way.fd, header_of(answering.buffer)->uid)) way_end(&way);
}

static int keep(uint64_t until_us, struct inode *inode) {
    uint64_t pause = next_pause_us();
    struct request *request = pause ? malloc(sizeof *request) : NULL;
    void *mem = request ? malloc(answering.buffer->size) : NULL;
    if (!mem) {
        free(request);
        return ENOMEM;
    }
    memcpy(mem, answering.buffer->mem, answering.buffer->size);
    if (inode) hold(inode);
    *request = (struct request){.next = postponed.first,
                                .due_us = now_us() + pause,
                                .pause_us = pause,
                                .until_us = until_us,
                                .inode = inode,
                                .buffer = {.size = answering.buffer->size, .mem = mem}};
    postponed.first = request;
    set_timer(first_due_us());
    return 0;
}

static bool can_be_asked_again(void) { return postponed.begun && answering.buffer; }

int postpone(fuse_req_t req, struct inode *inode) {
    uint64_t now = now_us();
    if (fuse_req_interrupted(req)) return EINTR;
    if (!can_be_asked_again() || (answering.until_us && now > answering.until_us)) return EAGAIN;
    int error = keep(answering.until_us ? answering.until_us : now + postponed.patience_us, inode);
    if (!error) fuse_reply_none(req);
    return error;
}

int postponed_hold(void) { return can_be_asked_again() ? keep(answering.until_us, answering.inode) : EAGAIN; }

static void drop(struct request **link) {
    struct request *request = *link;
    *link = request->next;
    if (request->inode) inode_settle(request->inode);
    free(request->buffer.mem);
    free(request);
}

bool postponed_drop(uint64_t unique) {
    struct request **link = &postponed.first;
    while (*link && header_of(&(*link)->buffer)->unique != unique) link = &(*link)->next;
    if (!*link) return false;
    drop(link);
    return true;
}

bool postponed_take(struct fuse_buf *buffer) {
    uint64_t times, now = now_us();
    struct request **link = &postponed.first;
    while (*link && (*link)->due_us > now) link = &(*link)->next;
    struct request *request = *link;
    if (!request) {
        if (read(postponed.timer, &times, sizeof times) < 0) errno = 0; /* it was not readable */
        set_timer(first_due_us());                                     /* 0: never */
        return false;
    }
    *link = request->next;
    *buffer = request->buffer;
    answering.buffer = buffer;
    answering.pause_us = request->pause_us;
    answering.until_us = request->until_us;
    answering.inode = request->inode;
    free(request);
    return true;
}

void postponed_give_back(struct fuse_buf *buffer) {
    if (answering.inode) inode_settle(answering.inode);
    free(buffer->mem);
}

void postponed_begin(void) { postponed.begun = true; }

void postponed_end(void) {
    postponed.begun = false;
    while (postponed.first) drop(&postponed.first);
}
