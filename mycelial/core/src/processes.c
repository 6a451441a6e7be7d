/* The processes that were seen lately.
 *
 * What is kept open of one is /proc/TID/comm. Reading that again tells two things for one system call: whether the number
 * still means the same process (a dead one gives ESRCH), and whether it has become another program (exec changes the name).
 */
#include "processes.h"
#include "lock.h"
#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKETS 1024

static struct {
    struct process *buckets[BUCKETS];
    struct process lru;
    unsigned count, max;
    struct process *unfinished; /* not in the table yet */
} processes;

void processes_init(unsigned max) {
    processes.lru.lru_prev = processes.lru.lru_next = &processes.lru;
    processes.max = max;
}

/* ---- what /proc says ------------------------------------------------------------------------------------------------ */

bool process_is_becoming(pid_t pid) {
    char text[4096];
    if (setjmp(core_way_back)) return true;
    if (core_is_left() || read_proc(text, 2, "/proc/%d/cmdline", (int)pid) > 0) return core_is_left();
    return read_proc(text, sizeof text, "/proc/%d/status", (int)pid) > 0 && strstr(text, "\nVmSize:"); /* at its end it has none */
}

static bool read_comm(int fd, char *comm, size_t size) {
    ssize_t got = pread(fd, comm, size - 1, 0);
    if (got <= 0) return false;
    if (comm[got - 1] == '\n') got--;
    comm[got] = '\0';
    return true;
}

/* With the core: of its files this one alone keeps nobody waiting while the process becomes another program. */
bool process_is_unchanged(const struct process *process) {
    char comm[sizeof process->comm];
    return read_comm(process->comm_fd, comm, sizeof comm) && !strcmp(comm, process->comm);
}

static bool read_stat(struct process *process) {
    char text[1024];
    if (read_proc(text, sizeof text, "/proc/%d/stat", (int)process->tid) <= 0) return false;
    const char *after = strrchr(text, ')'); /* the name may hold anything */
    int ppid, pgid, sid;
    long threads;
    unsigned long long start;
    if (!after || sscanf(after + 1, " %*c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu", &ppid,
                         &pgid, &sid, &threads, &start) != 5)
        return false;
    process->ppid = ppid;
    process->pgid = pgid;
    process->sid = sid;
    process->threads = (unsigned)threads;
    process->start = start;
    return true;
}

static char *status_line(char *text, size_t size, pid_t pid, const char *key) {
    if (read_proc(text, size, "/proc/%d/status", (int)pid) <= 0) return NULL;
    char *line = strstr(text, key);
    return line ? line + strlen(key) : NULL;
}

static pid_t group_leader(const struct process *process) {
    char text[4096];
    if (process->threads <= 1) return process->tid;
    const char *value = status_line(text, sizeof text, process->tid, "\nTgid:");
    return value ? (pid_t)atoi(value) : process->tid;
}

/* ---- the table ------------------------------------------------------------------------------------------------------ */

static void lru_unlink(struct process *process) {
    process->lru_prev->lru_next = process->lru_next;
    process->lru_next->lru_prev = process->lru_prev;
}

static void lru_front(struct process *process) {
    process->lru_next = processes.lru.lru_next;
    process->lru_prev = &processes.lru;
    process->lru_next->lru_prev = process->lru_prev->lru_next = process;
}

static void discard(struct process *process) {
    struct process **link = &processes.buckets[(unsigned)process->tid % BUCKETS];
    while (*link != process) link = &(*link)->hash_next;
    *link = process->hash_next;
    lru_unlink(process);
    close(process->comm_fd);
    free(process->cmdline);
    for (int fd = 0; fd < STREAMS; fd++) free(process->streams[fd]);
    free(process);
    processes.count--;
}

static void discard_unfinished(void) {
    if (!processes.unfinished) return;
    if (processes.unfinished->comm_fd >= 0) close(processes.unfinished->comm_fd);
    free(processes.unfinished);
    processes.unfinished = NULL;
}

void processes_discard_all(void) {
    while (processes.count) discard(processes.lru.lru_prev);
    discard_unfinished();
}

static void forget_program(struct process *process) {
    process->number = 0;
    process->alone = false;
    free(process->cmdline);
    process->cmdline = NULL;
    process->cmdline_size = 0;
}

static struct process *first_seen(pid_t tid) {
    char path[64];
    struct process *process = calloc(1, sizeof *process);
    if (!process) return NULL;
    process->tid = tid;
    processes.unfinished = process;
    snprintf(path, sizeof path, "/proc/%d/comm", (int)tid);
    process->comm_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (process->comm_fd < 0 || !read_comm(process->comm_fd, process->comm, sizeof process->comm) || !read_stat(process)) {
        discard_unfinished();
        return NULL;
    }
    process->tgid = group_leader(process);
    processes.unfinished = NULL;
    struct process **bucket = &processes.buckets[(unsigned)tid % BUCKETS];
    process->hash_next = *bucket;
    *bucket = process;
    lru_front(process);
    processes.count++;
    return process;
}

struct process *process_known(pid_t tid) {
    struct process *process = processes.buckets[(unsigned)tid % BUCKETS];
    while (process && process->tid != tid) process = process->hash_next;
    return process;
}

struct process *thread_of(pid_t tid) {
    char comm[sizeof((struct process *)0)->comm];
    struct process *process = process_known(tid);
    if (process && !read_comm(process->comm_fd, comm, sizeof comm)) {
        discard(process); /* the number may have been given to another one */
        process = NULL;
    }
    if (!process) return first_seen(tid);
    lru_unlink(process);
    lru_front(process);
    if (strcmp(comm, process->comm) != 0) {
        memcpy(process->comm, comm, sizeof comm);
        read_stat(process);
        process->tgid = group_leader(process);
        forget_program(process);
    }
    return process;
}

struct process *process_of(pid_t tid) {
    if (tid <= 0) return NULL;
    struct process *process = thread_of(tid);
    if (process && process->tgid != tid) process = thread_of(process->tgid);
    while (process && processes.count > processes.max && processes.lru.lru_prev != process) discard(processes.lru.lru_prev);
    return process;
}


pid_t process_parent(pid_t pid) {
    const struct process *process = thread_of(pid);
    return process ? process->ppid : 0;
}
