/* Threads for what may take long, so that one slow request delays no other: begun when they are needed, they flush,
 * copy ranges, read what is not in memory, write while the disk does not keep up, and give back the room of large files.
 * One filesystem has some of them at most: it may be another machine's, which does not answer. One user has his share.
 */
#include "worker.h"
#include "placement.h"
#include "share.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_OF_ONE 16 /* as many requests as a disk is asked for at the same time */
#define MAX_THREADS (4 * MAX_OF_ONE)

#define PATIENCE_S 10 /* at the end */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t threads[MAX_THREADS];
    unsigned thread_count, idle;
    struct job *first, **last;
    const struct job *at_work[MAX_THREADS]; /* what each thread does now */
    bool stop, left_behind;
} worker = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void refuse(const struct job *job) {
    if (job->close_it) close(job->fd);
    if (job->req) fuse_reply_err(job->req, ENOTCONN);
}

static void run_close(const struct job *job) { close(job->fd); }

static bool has_to_wait(const struct job *job) {
    unsigned there = 0, his = 0, all = 0;
    for (unsigned i = 0; i < worker.thread_count; i++) {
        const struct job *other = worker.at_work[i];
        if (!other) continue;
        there += other->dev == job->dev;
        his += other->uid == job->uid;
        all++;
    }
    return there >= MAX_OF_ONE || share_is_taken(his, all, MAX_THREADS);
}

/* The first one whose filesystem, and whose user, has threads left, or the end. */
static struct job **next_job(void) {
    struct job **link = &worker.first;
    while (*link && !worker.stop && has_to_wait(*link)) link = &(*link)->next;
    return link;
}

static struct job *take_job(void) {
    struct job **link = next_job(), *job = *link;
    if (job && !(*link = job->next)) worker.last = link;
    return job;
}

static void *work(void *place);

static void begin_thread(void) {
    unsigned next = worker.thread_count;
    if (next < MAX_THREADS && pthread_create(&worker.threads[next], NULL, work, &worker.at_work[next]) == 0) worker.thread_count++;
}

/* For what waits and may be begun: who is free, or a new thread. */
static void call_somebody(void) {
    if (worker.stop || !*next_job()) return;
    if (worker.idle)
        pthread_cond_signal(&worker.wake);
    else
        begin_thread();
}

static void *work(void *place) {
    const struct job **own = place;
    placement_anywhere();
    pthread_mutex_lock(&worker.lock);
    for (;;) {
        struct job *job;
        worker.idle++;
        while (!(job = take_job()) && !worker.stop) pthread_cond_wait(&worker.wake, &worker.lock);
        worker.idle--;
        if (!job) break;
        *own = job;
        call_somebody(); /* who was called for the one before may have been this one */
        bool stop = worker.stop;
        pthread_mutex_unlock(&worker.lock);
        if (stop && !job->data) /* what was to be written is here, and still can be */
            refuse(job);
        else
            job->run(job);
        pthread_mutex_lock(&worker.lock);
        *own = NULL;
        free(job);
    }
    pthread_mutex_unlock(&worker.lock);
    return NULL;
}

void worker_init(void) {
    worker.first = NULL;
    worker.last = &worker.first;
    worker.thread_count = worker.idle = 0;
    memset(worker.at_work, 0, sizeof worker.at_work);
    worker.stop = worker.left_behind = false;
    /* One at once: where there is none, and none can be begun later, requests wait for one another. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* Python's signals are the main thread's */
    begin_thread();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void worker_shutdown(void) {
    struct timespec until;
    pthread_mutex_lock(&worker.lock);
    worker.stop = true; /* from now on no thread is begun */
    pthread_cond_broadcast(&worker.wake);
    pthread_mutex_unlock(&worker.lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (worker.thread_count)
        if (pthread_timedjoin_np(worker.threads[--worker.thread_count], NULL, &until)) { /* waits for a disk that is gone */
            pthread_detach(worker.threads[worker.thread_count]);
            worker.left_behind = true;
        }
}

bool worker_is_left_behind(void) { return worker.left_behind; }

void worker_submit(struct job job) {
    struct job *queued = malloc(sizeof *queued);
    if (job.req) job.uid = fuse_req_ctx(job.req)->uid;
    pthread_mutex_lock(&worker.lock);
    bool stop = worker.stop;
    if (!stop && !worker.thread_count) begin_thread();
    bool is_queued = queued && !stop && worker.thread_count;
    if (is_queued) {
        *queued = job;
        queued->next = NULL;
        *worker.last = queued;
        worker.last = &queued->next;
        call_somebody();
    }
    pthread_mutex_unlock(&worker.lock);
    if (is_queued) return;
    free(queued);
    if (stop && !job.data)
        refuse(&job);
    else
        job.run(&job); /* late is better than never answered */
}

void worker_close(dev_t dev, uint32_t uid, int fd) {
    worker_submit((struct job){.run = run_close, .dev = dev, .uid = uid, .fd = fd, .close_it = true});
}
