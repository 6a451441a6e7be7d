/* Threads for what may take long, so that one slow request delays no other.
 *
 * One thread answers fsync and copy_file_range: a disk takes milliseconds to flush, and every other request would
 * wait behind it. Another reads /proc/PID/cmdline of processes with several threads: that needs their memory map's
 * lock, which a thread of theirs may hold while it waits for a page that only we can bring.
 */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct job {
    struct job *next;
    fuse_req_t req;
    int fd, fd_out;
    off_t off, off_out;
    size_t size; /* 0: fsync */
    bool data_only, close_it;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct job *first, **last;
    bool running, stop;
} worker = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void run_job(const struct job *job) {
    if (job->size) {
        off_t off = job->off, off_out = job->off_out;
        ssize_t copied = copy_file_range(job->fd, &off, job->fd_out, &off_out, job->size, 0);
        if (copied < 0)
            fuse_reply_err(job->req, errno);
        else
            fuse_reply_write(job->req, (size_t)copied);
    } else {
        int error = (job->data_only ? fdatasync(job->fd) : fsync(job->fd)) ? errno : 0;
        if (job->close_it) close(job->fd);
        fuse_reply_err(job->req, error);
    }
}

static void *work(void *unused) {
    (void)unused;
    pthread_mutex_lock(&worker.lock);
    for (;;) {
        while (!worker.first && !worker.stop) pthread_cond_wait(&worker.wake, &worker.lock);
        struct job *job = worker.first;
        if (!job) break;
        worker.first = job->next;
        if (!worker.first) worker.last = &worker.first;
        pthread_mutex_unlock(&worker.lock);
        run_job(job);
        free(job);
        pthread_mutex_lock(&worker.lock);
    }
    pthread_mutex_unlock(&worker.lock);
    return NULL;
}

int worker_init(void) {
    worker.last = &worker.first;
    worker.stop = false;
    int error = pthread_create(&worker.thread, NULL, work, NULL);
    worker.running = error == 0;
    return error;
}

void worker_shutdown(void) {
    if (!worker.running) return;
    pthread_mutex_lock(&worker.lock);
    worker.stop = true;
    pthread_cond_signal(&worker.wake);
    pthread_mutex_unlock(&worker.lock);
    pthread_join(worker.thread, NULL);
    worker.running = false;
}

static void submit(struct job job) {
    struct job *queued = worker.running ? malloc(sizeof *queued) : NULL;
    if (!queued) {
        run_job(&job); /* late is better than never answered */
        return;
    }
    *queued = job;
    pthread_mutex_lock(&worker.lock);
    *worker.last = queued;
    worker.last = &queued->next;
    pthread_cond_signal(&worker.wake);
    pthread_mutex_unlock(&worker.lock);
}

void worker_fsync(fuse_req_t req, int fd, bool data_only, bool close_it) {
    submit((struct job){.req = req, .fd = fd, .data_only = data_only, .close_it = close_it});
}

void worker_copy(fuse_req_t req, int fd_in, off_t off_in, int fd_out, off_t off_out, size_t size) {
    submit((struct job){.req = req, .fd = fd_in, .off = off_in, .fd_out = fd_out, .off_out = off_out, .size = size});
}

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
