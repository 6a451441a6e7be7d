/* Threads for what may take long, so that one slow request delays no other.
 *
 * A few, begun when they are needed, wait for disks: they flush, copy ranges, read what is not in memory, write
 * while the disk does not keep up, and give back the room of large files.
 * One more reads /proc/PID/cmdline of processes with several threads: that needs their memory map's lock, which a
 * thread of theirs may hold while it waits for a page that only we can bring.
 */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 16 /* as many requests as a disk is asked for at the same time */

#define PATIENCE_S 10 /* at the end */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t threads[MAX_THREADS];
    unsigned thread_count, idle;
    struct job *first, **last;
    unsigned waiting;
    bool stop;
} worker = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void refuse(const struct job *job) {
    if (job->close_it) close(job->fd);
    if (job->req) fuse_reply_err(job->req, ENOTCONN);
}

static void run_close(const struct job *job) { close(job->fd); }

static void *work(void *unused) {
    (void)unused;
    pthread_mutex_lock(&worker.lock);
    for (;;) {
        worker.idle++;
        while (!worker.first && !worker.stop) pthread_cond_wait(&worker.wake, &worker.lock);
        worker.idle--;
        struct job *job = worker.first;
        if (!job) break;
        if (!(worker.first = job->next)) worker.last = &worker.first;
        worker.waiting--;
        bool stop = worker.stop;
        pthread_mutex_unlock(&worker.lock);
        if (stop && !job->data) /* what was to be written is here, and still can be */
            refuse(job);
        else
            job->run(job);
        free(job);
        pthread_mutex_lock(&worker.lock);
    }
    pthread_mutex_unlock(&worker.lock);
    return NULL;
}

void worker_init(void) {
    worker.first = NULL;
    worker.last = &worker.first;
    worker.waiting = worker.thread_count = worker.idle = 0;
    worker.stop = false;
    /* One at once: where there is none, and none can be begun later, requests wait for one another. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* Python's signals are the main thread's */
    if (pthread_create(&worker.threads[0], NULL, work, NULL) == 0) worker.thread_count = 1;
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
        if (pthread_timedjoin_np(worker.threads[--worker.thread_count], NULL, &until)) /* waits for a disk that is gone */
            pthread_detach(worker.threads[worker.thread_count]);
}

void worker_submit(struct job job) {
    struct job *queued = malloc(sizeof *queued);
    pthread_mutex_lock(&worker.lock);
    bool stop = worker.stop;
    if (queued && !stop && worker.waiting >= worker.idle && worker.thread_count < MAX_THREADS &&
        pthread_create(&worker.threads[worker.thread_count], NULL, work, NULL) == 0)
        worker.thread_count++;
    bool is_queued = queued && !stop && worker.thread_count;
    if (is_queued) {
        *queued = job;
        queued->next = NULL;
        *worker.last = queued;
        worker.last = &queued->next;
        worker.waiting++;
        pthread_cond_signal(&worker.wake);
    }
    pthread_mutex_unlock(&worker.lock);
    if (is_queued) return;
    free(queued);
    if (stop && !job.data)
        refuse(&job);
    else
        job.run(&job); /* late is better than never answered */
}

void worker_close(int fd) { worker_submit((struct job){.run = run_close, .fd = fd, .close_it = true}); }

/* ---- command lines -------------------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    bool started, busy;
    pid_t pid; /* to read; 0: nothing */
    size_t size;
    char text[8192];
} reader = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static size_t read_cmdline(pid_t pid, char *buffer, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t got = read(fd, buffer, size);
    close(fd);
    return got < 0 ? 0 : (size_t)got;
}

static void *read_for_others(void *unused) {
    (void)unused;
    char text[sizeof reader.text];
    pthread_mutex_lock(&reader.lock);
    for (;;) {
        while (!reader.pid) pthread_cond_wait(&reader.wake, &reader.lock);
        pid_t pid = reader.pid;
        pthread_mutex_unlock(&reader.lock);
        size_t size = read_cmdline(pid, text, sizeof text);
        pthread_mutex_lock(&reader.lock);
        memcpy(reader.text, text, size);
        reader.size = size;
        reader.pid = 0;
        reader.busy = false;
        pthread_cond_signal(&reader.done);
    }
    return NULL;
}

size_t worker_read_cmdline(pid_t pid, char *buffer, size_t size) {
    pthread_mutex_lock(&reader.lock);
    if (!reader.started) {
        pthread_t thread;
        reader.started = pthread_create(&thread, NULL, read_for_others, NULL) == 0;
        if (reader.started) pthread_detach(thread);
    }
    size_t got = 0;
    if (reader.started && !reader.busy) { /* busy: it hangs on another process, do without */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
        reader.pid = pid;
        reader.busy = true;
        pthread_cond_signal(&reader.wake);
        int error = 0;
        while (reader.busy && !error) error = pthread_cond_timedwait(&reader.done, &reader.lock, &until);
        if (!reader.busy) {
            got = reader.size < size ? reader.size : size;
            memcpy(buffer, reader.text, got);
        }
    }
    pthread_mutex_unlock(&reader.lock);
    return got;
}
