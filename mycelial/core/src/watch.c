/* What a shell's child becomes.
 *
 * A shell opens the files of a redirection, and its child then becomes the program. Where the kernel writes by itself,
 * the program may end without ever having asked us for anything, and a process that ends has no command line any more.
 * So a thread looks at such a child for a short while, until it is no longer the copy of its shell. What is kept is
 * the first program: `env LC_ALL=C sort` says more than the `sort` that env becomes. Which pipes it was given by name is kept, too:
 * what a shell does in >( ) may begin when that program is gone.
 */
#include "watch.h"
#include "placement.h"
#include "proc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define WATCHED 32
#define TEXT_SIZE 2048
#define EVERY_US 100      /* doubled now and then */
#define LONGEST_US 1000000 /* after which it is left alone: on a busy machine it may not have had a processor */

struct child {
    pid_t pid;
    bool watching;
    uint64_t since, next;
    size_t shell_size, size; /* size 0: nothing was seen */
    char shell[TEXT_SIZE], text[TEXT_SIZE];
    struct named_pipe named[MOST_NAMED];
    unsigned named_count;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool started;
    unsigned next;
    struct child children[WATCHED];
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static struct child *next_due(void) {
    struct child *due = NULL;
    for (unsigned i = 0; i < WATCHED; i++) {
        struct child *child = &watch.children[i];
        if (child->watching && (!due || child->next < due->next)) due = child;
    }
    return due;
}

static unsigned read_named(pid_t pid, const char *line, size_t size, struct named_pipe *pipes) {
    char name[32], text[256];
    const char *end;
    unsigned count = 0, flags;
    int fd;
    for (const char *at = line; count < MOST_NAMED && (end = memchr(at, '\0', size - (size_t)(at - line))); at = end + 1) {
        if ((fd = proc_named(at)) < 0) continue;
        snprintf(name, sizeof name, "fd/%d", fd);
        if (read_proc_link_apart(text, sizeof text, pid, name) <= 0 || sscanf(text, "pipe:[%" SCNu64, &pipes[count].inode) != 1) continue;
        snprintf(name, sizeof name, "fdinfo/%d", fd);
        const char *found = read_proc_apart(text, sizeof text, pid, name) > 0 ? strstr(text, "flags:") : NULL;
        if (!found || sscanf(found, "flags: %o", &flags) != 1) continue;
        pipes[count++].written = (flags & O_ACCMODE) != O_RDONLY;
    }
    return count;
}

static void look(struct child *child) {
    char text[TEXT_SIZE];
    struct named_pipe named[MOST_NAMED];
    unsigned count = 0;
    pid_t pid = child->pid;
    pthread_mutex_unlock(&watch.lock); /* may hang on a page that only we can bring */
    ssize_t size = read_proc_apart(text, sizeof text, pid, "cmdline");
    if (size > 0) count = read_named(pid, text, (size_t)size, named);
    pthread_mutex_lock(&watch.lock);
    if (child->pid != pid || !child->watching) return;
    uint64_t now = now_us(), age = now - child->since;
    child->next = now + (age < 2000 ? EVERY_US : age / 10);
    child->watching = size >= 0 && age < LONGEST_US; /* empty: it is in the middle of becoming another program */
    size_t told = size > 0 ? proc_line_size(text, (size_t)size, sizeof text) : 0;
    if (!told || (told == child->shell_size && !memcmp(text, child->shell, told))) return;
    memcpy(child->text, text, told);
    child->size = told;
    memcpy(child->named, named, count * sizeof *named);
    child->named_count = count;
    child->watching = false;
}

static void *keep_looking(void *unused) {
    (void)unused;
    placement_anywhere();
    prctl(PR_SET_TIMERSLACK, 1000ul); /* ns; programs may be short */
    pthread_mutex_lock(&watch.lock);
    for (;;) {
        struct child *child = next_due();
        if (!child) {
            pthread_cond_wait(&watch.wake, &watch.lock);
            continue;
        }
        uint64_t now = now_us();
        if (child->next <= now) {
            look(child);
            continue;
        }
        const struct timespec until = {.tv_sec = (time_t)(child->next / 1000000),
                                       .tv_nsec = (long)(child->next % 1000000) * 1000};
        pthread_cond_clockwait(&watch.wake, &watch.lock, CLOCK_MONOTONIC, &until);
    }
    return NULL;
}

void watch_child(pid_t pid, const char *cmdline, size_t size) {
    pthread_mutex_lock(&watch.lock);
    if (!watch.started) {
        pthread_t thread;
        watch.started = pthread_create(&thread, NULL, keep_looking, NULL) == 0;
        if (watch.started) pthread_detach(thread);
    }
    struct child *child = NULL;
    for (unsigned i = 0; i < WATCHED && !child; i++)
        if (watch.children[i].pid == pid) child = &watch.children[i];
    if (!child) child = &watch.children[watch.next++ % WATCHED];
    size = proc_line_size(cmdline, size < TEXT_SIZE ? size : TEXT_SIZE - 1, TEXT_SIZE); /* as much as is read of it later */
    if (child->pid != pid || child->shell_size != size || memcmp(child->shell, cmdline, size) != 0) child->size = 0;
    if (!child->size) child->named_count = 0;
    child->pid = pid;
    child->watching = watch.started;
    child->since = now_us();
    child->next = child->since + EVERY_US;
    child->shell_size = size;
    memcpy(child->shell, cmdline, size);
    pthread_cond_signal(&watch.wake);
    pthread_mutex_unlock(&watch.lock);
}

size_t watch_command_line(pid_t pid, char *buffer, size_t room) {
    size_t size = 0;
    pthread_mutex_lock(&watch.lock);
    for (unsigned i = 0; i < WATCHED; i++) {
        const struct child *child = &watch.children[i];
        if (child->pid == pid && child->size && child->size <= room) {
            size = child->size;
            memcpy(buffer, child->text, size);
        }
    }
    pthread_mutex_unlock(&watch.lock);
    return size;
}

unsigned watch_named(pid_t pid, struct named_pipe pipes[MOST_NAMED]) {
    unsigned count = 0;
    pthread_mutex_lock(&watch.lock);
    for (unsigned i = 0; i < WATCHED; i++) {
        const struct child *child = &watch.children[i];
        if (child->pid != pid || !child->size) continue;
        count = child->named_count;
        memcpy(pipes, child->named, count * sizeof *pipes);
    }
    pthread_mutex_unlock(&watch.lock);
    return count;
}
