/* The core: the tables of inodes, handles and processes, which one thread uses at a time, and leaves while it waits.
 *
 * The reader (reader.c) holds it while it answers, Python while it asks. Who looks at a process, which may be waiting for an
 * answer of ours, and who waits for a disk leave it to others until they return.
 */
#include "lock.h"
#include "share.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOOK_AFTER_MS 100 /* whether one of those who answer was away for longer than that */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long turn;
static struct seat pythons;
_Thread_local struct seat *core_seat = &pythons;
_Thread_local jmp_buf core_way_back;
struct core_seats core_seats;

static struct {
    int fd;
    atomic_bool is_set;
} timer = {.fd = -1};

int core_init(void) {
    if (timer.fd < 0) timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return timer.fd < 0 ? errno : 0;
}

void core_lock(void) {
    pthread_mutex_lock(&lock);
    turn++;
}

void core_unlock(void) { pthread_mutex_unlock(&lock); }

unsigned long core_turn(void) { return turn; }

int core_timer(void) { return timer.fd; }

/* Set once for many times: nothing wakes anybody while the core is not left at all. */
void core_set_timer(void) {
    struct itimerspec soon = {.it_value = {.tv_nsec = LOOK_AFTER_MS * 1000000}};
    if (!atomic_exchange(&timer.is_set, true)) timerfd_settime(timer.fd, 0, &soon, NULL);
}

bool core_take_timer(void) {
    uint64_t times;
    if (read(timer.fd, &times, sizeof times) < 0) return false;
    timer.is_set = false;
    return true;
}

static void leave(bool looks) {
    core_seat->looks = looks;
    core_seat->since_us = now_us();
    if (core_seat == core_seats.reader || core_seat == core_seats.asks_again) core_set_timer();
    core_unlock();
}

void core_leave(void) { leave(true); }
void core_leave_for_disk(void) { leave(false); }

void core_stay_away(void) {
    core_unlock();
    for (;;) pause();
}

void core_return(void) {
    core_lock();
    bool looked = atomic_exchange(&core_seat->looks, false);
    core_seat->since_us = 0;
    if (!core_seat->lost) return;
    if (core_seats.closed) core_stay_away();
    if (looked) longjmp(core_way_back, 1); /* what it was looking through is gone */
}

static bool looks(const struct seat *other) { return other && other != core_seat && other->since_us && other->looks; }

static bool user_keeps_many(void) {
    unsigned count = 0;
    for (unsigned i = 0; i < core_seats.lost_count; i++)
        count += !core_seats.lost[i]->waited && core_seats.lost[i]->lost_for == core_seat->uid;
    return count >= LOST_BY_ONE_USER;
}

bool core_has_share(uint32_t uid) {
    unsigned his = 0;
    for (unsigned i = 0; i < core_seats.lost_count; i++) his += core_seats.lost[i]->lost_for == uid;
    return share_is_taken(his, core_seats.lost_count, LOST_AT_MOST);
}

bool core_is_left(void) {
    if (core_seat->lost || core_seat->looks_at_nobody) return true;
    return looks(core_seats.reader) || looks(core_seats.stand_in) || user_keeps_many();
}
