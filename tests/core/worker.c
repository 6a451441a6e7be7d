/* The threads for what may take long, by themselves: jobs that wait until they are told to end. */
#include "placement.h"
#include "worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 200

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned begun[MOST], ended; /* by user */
static bool may_end;

void placement_anywhere(void) {}
const struct fuse_ctx *fuse_req_ctx(fuse_req_t req) { return (const void *)req; } /* nobody asks */
int fuse_reply_err(fuse_req_t req, int error) { return req ? error : 0; }

static void wait_to_end(const struct job *job) {
    pthread_mutex_lock(&lock);
    begun[job->uid]++;
    pthread_cond_broadcast(&changed);
    while (!may_end) pthread_cond_wait(&changed, &lock);
    ended++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void submit(uint32_t uid, dev_t dev) { worker_submit((struct job){.run = wait_to_end, .uid = uid, .dev = dev}); }

/* Waits for as many, and no more; whoever is begun too many shows by the end. */
static void wait_for(const unsigned *count, unsigned wanted) {
    pthread_mutex_lock(&lock);
    while (*count < wanted) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void check(unsigned got, unsigned wanted, const char *what) {
    if (got == wanted) return;
    fprintf(stderr, "%s: %u instead of %u\n", what, got, wanted);
    exit(1);
}

static void begin(void) {
    for (unsigned i = 0; i < MOST; i++) begun[i] = 0;
    ended = 0;
    may_end = false;
    worker_init();
}

static void end(unsigned jobs) {
    pthread_mutex_lock(&lock);
    may_end = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    wait_for(&ended, jobs);
    worker_shutdown();
}

/* Each for another user, on another filesystem, and more than there are threads. */
static void more_filesystems_than_threads(void) {
    begin();
    for (unsigned i = 0; i < MOST; i++) submit(i, i);
    for (unsigned i = 0; i < 64; i++) wait_for(&begun[i], 1);
    end(MOST);
}

static void one_filesystem_leaves_threads(void) {
    begin();
    for (unsigned i = 0; i < MOST / 2; i++) submit(i, 1);
    for (unsigned i = 0; i < 16; i++) wait_for(&begun[i], 1);
    submit(MOST - 1, 2);
    wait_for(&begun[MOST - 1], 1);
    check(begun[16], 0, "those who wait on the same filesystem");
    end(MOST / 2 + 1);
}

/* Whoever has as many as are left waits with his own, whatever they are on; and who has none always finds one. */
static void users_leave_threads(void) {
    static const unsigned shares[] = {24, 12, 6, 3, 2, 1};
    const unsigned users = sizeof shares / sizeof *shares, others = 16;
    begin();
    for (unsigned user = 0; user < users; user++) {
        for (unsigned i = 0; i < MOST / 4; i++) submit(user, user * MOST + i);
        wait_for(&begun[user], shares[user]);
    }
    for (unsigned user = users; user < users + others; user++) {
        for (unsigned i = 0; i < 2; i++) submit(user, user * MOST + i);
        wait_for(&begun[user], 1);
    }
    for (unsigned user = 0; user < users; user++) check(begun[user], shares[user], "a greedy user's");
    end(users * MOST / 4 + 2 * others);
}

int main(void) {
    more_filesystems_than_threads();
    one_filesystem_leaves_threads();
    users_leave_threads();
    return 0;
}
