/* A thread that reads the command lines of processes with several threads: that needs their memory map's lock, which a
 * thread of theirs may hold while it waits for a page that only we can bring. */
#include "elsewhere.h"
#include "placement.h"
#include "proc.h"

#include <pthread.h>
#include <string.h>

#define PATIENCE_US 50000

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    bool started, busy;
    pid_t pid; /* to read; 0: nothing */
    size_t size;
    char text[8192];
} elsewhere = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static void *read_for_others(void *unused) {
    (void)unused;
    char text[sizeof elsewhere.text];
    placement_anywhere();
    pthread_mutex_lock(&elsewhere.lock);
    for (;;) {
        while (!elsewhere.pid) pthread_cond_wait(&elsewhere.wake, &elsewhere.lock);
        pid_t pid = elsewhere.pid;
        pthread_mutex_unlock(&elsewhere.lock);
        ssize_t size = read_proc_apart(text, sizeof text, pid, "cmdline");
        pthread_mutex_lock(&elsewhere.lock);
        elsewhere.size = size > 0 ? (size_t)size : 0;
        memcpy(elsewhere.text, text, elsewhere.size);
        elsewhere.pid = 0;
        elsewhere.busy = false;
        pthread_cond_signal(&elsewhere.done);
    }
    return NULL;
}

size_t read_proc_elsewhere(pid_t pid, char *buffer, size_t size) {
    pthread_mutex_lock(&elsewhere.lock);
    if (!elsewhere.started) {
        pthread_t thread;
        elsewhere.started = pthread_create(&thread, NULL, read_for_others, NULL) == 0;
        if (elsewhere.started) pthread_detach(thread);
    }
    size_t got = 0;
    if (elsewhere.started && !elsewhere.busy) { /* busy: it hangs on another process, do without */
        uint64_t then = now_us() + PATIENCE_US;
        const struct timespec until = {.tv_sec = (time_t)(then / 1000000), .tv_nsec = (long)(then % 1000000) * 1000};
        elsewhere.pid = pid;
        elsewhere.busy = true;
        pthread_cond_signal(&elsewhere.wake);
        int error = 0;
        while (elsewhere.busy && !error) error = pthread_cond_clockwait(&elsewhere.done, &elsewhere.lock, CLOCK_MONOTONIC, &until);
        if (!elsewhere.busy) {
            got = elsewhere.size < size ? elsewhere.size : size;
            memcpy(buffer, elsewhere.text, got);
        }
    }
    pthread_mutex_unlock(&elsewhere.lock);
    return got;
}
