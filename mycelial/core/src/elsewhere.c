/* A thread that reads the command lines of processes with several threads: that needs their memory map's lock, which a
 * thread of theirs may hold while it waits for a page that only we can bring. */
#include "elsewhere.h"
#include "lock.h"
#include "placement.h"
#include "proc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US 50000
#define STARVED_US 500000 /* where it only gets no processor */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    bool started, busy;
    atomic_int tid; /* the thread's own */
    pid_t pid; /* to read; 0: nothing */
    size_t size;
    char text[LINE_SIZE];
} elsewhere = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static void *read_for_others(void *unused) {
    (void)unused;
    char text[sizeof elsewhere.text];
    placement_anywhere();
    pthread_mutex_lock(&elsewhere.lock);
    elsewhere.tid = gettid();
    for (;;) {
        while (!elsewhere.pid) pthread_cond_wait(&elsewhere.wake, &elsewhere.lock);
        pid_t pid = elsewhere.pid;
        pthread_mutex_unlock(&elsewhere.lock);
        ssize_t size = read_proc_apart(text, sizeof text, pid, "cmdline");
        pthread_mutex_lock(&elsewhere.lock);
        elsewhere.size = size > 0 ? proc_line_size(text, (size_t)size, sizeof text) : 0;
        memcpy(elsewhere.text, text, elsewhere.size);
        elsewhere.pid = 0;
        elsewhere.busy = false;
        pthread_cond_signal(&elsewhere.done);
    }
    return NULL;
}

static bool is_running(pid_t tid) {
    char text[1024];
    return read_proc_apart(text, sizeof text, tid, "stat") > 0 && proc_state(text) == 'R';
}

/* On a busy machine either may wait for nothing but a processor: the thread, or the process, with its memory map's lock. */
static bool is_starved(pid_t pid) {
    return !elsewhere.tid /* it was not there yet */ || is_running(elsewhere.tid) || is_running(pid);
}

static bool wait_until_done(uint64_t until_us) {
    const struct timespec until = {.tv_sec = (time_t)(until_us / 1000000), .tv_nsec = (long)(until_us % 1000000) * 1000};
    int error = 0;
    while (elsewhere.busy && !error) error = pthread_cond_clockwait(&elsewhere.done, &elsewhere.lock, CLOCK_MONOTONIC, &until);
    return !elsewhere.busy;
}

static size_t ask(pid_t pid, char *buffer, size_t size) {
    pthread_mutex_lock(&elsewhere.lock);
    if (!elsewhere.started) {
        pthread_t thread;
        elsewhere.started = pthread_create(&thread, NULL, read_for_others, NULL) == 0;
        if (elsewhere.started) pthread_detach(thread);
    }
    size_t got = 0;
    if (elsewhere.started && !elsewhere.busy) { /* busy: it hangs on another process, do without */
        uint64_t begun = now_us();
        elsewhere.pid = pid;
        elsewhere.busy = true;
        pthread_cond_signal(&elsewhere.wake);
        uint64_t until = begun + PATIENCE_US;
        while (!wait_until_done(until) && until < begun + STARVED_US) {
            pthread_mutex_unlock(&elsewhere.lock); /* we may not come back from there */
            bool starved = is_starved(pid);
            pthread_mutex_lock(&elsewhere.lock);
            if (!starved) break;
            until = now_us() + PATIENCE_US;
        }
        if (!elsewhere.busy) {
            got = proc_line_size(elsewhere.text, elsewhere.size < size ? elsewhere.size : size, size);
            memcpy(buffer, elsewhere.text, got);
        }
    }
    pthread_mutex_unlock(&elsewhere.lock);
    return got;
}

/* Others go on meanwhile. We may not come back, so nothing is held then. */
size_t read_proc_elsewhere(pid_t pid, char *buffer, size_t size) {
    core_leave();
    size_t got = ask(pid, buffer, size);
    core_return();
    return got;
}
