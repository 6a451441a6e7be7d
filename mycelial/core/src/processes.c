/* The processes that were seen lately.
 *
 * What is kept open of one is /proc/TID/stat. Reading that again tells two things for one system call: whether the number
 * still means the same process (a dead one gives ESRCH), and whether it has become another program (exec changes the name).
 * Most ask for little, and to look up one more file in /proc costs as much as to read this one twice. Who is looked at often
 * is so by /proc/TID/comm instead, which is read four times as quickly.
 */
#include "processes.h"
#include "lock.h"
#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUCKETS 1024
#define OFTEN 4 /* looks, after which comm is opened */
#define STAT_SIZE 1024

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

static int open_proc(pid_t tid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool read_comm(int fd, char *comm, size_t size) {
    ssize_t got = pread(fd, comm, size - 1, 0);
    if (got <= 0) return false;
    if (comm[got - 1] == '\n') got--;
    comm[got] = '\0';
    return true;
}

/* The name in /proc/TID/stat, between parentheses; it may hold any. A backslash or a new line older kernels write as C does. */
static bool name_in(const char *stat, pid_t tid, char *comm, size_t size) {
    const char *begin = strchr(stat, '('), *end = strrchr(stat, ')');
    if (!begin || !end || end < begin || (size_t)(end - begin) > size) return false;
    size_t length = (size_t)(end - begin) - 1;
    memcpy(comm, begin + 1, length);
    comm[length] = '\0';
    if (!strchr(comm, '\\')) return true;
    int fd = open_proc(tid, "comm");
    bool is_read = fd >= 0 && read_comm(fd, comm, size);
    if (fd >= 0) close(fd);
    return is_read;
}

static bool read_stat(int fd, char stat[STAT_SIZE]) {
    ssize_t got = pread(fd, stat, STAT_SIZE - 1, 0);
    stat[got > 0 ? got : 0] = '\0';
    return got > 0;
}

bool process_is_unchanged(const struct process *process) {
    char comm[sizeof process->comm], stat[STAT_SIZE];
    bool alive = process->stat_fd < 0 ? read_comm(process->comm_fd, comm, sizeof comm)
                                      : read_stat(process->stat_fd, stat) && name_in(stat, process->tid, comm, sizeof comm);
    return alive && !strcmp(comm, process->comm);
}

/* Those of proc(5) that are wanted, by their numbers there; the name is the second. */
static bool take_fields(struct process *process, const char *stat) {
    enum { PPID = 4, PGID, SID, THREADS = 20, START = 22, FIELDS };
    unsigned long long fields[FIELDS] = {0};
    const char *at = strrchr(stat, ')');
    char *end = NULL;
    if (!at || strlen(at) < 3) return false;
    at += 3; /* the state */
    for (unsigned i = PPID; i < FIELDS; i++, at = end) {
        fields[i] = strtoull(at, &end, 10);
        if (end == at) return false;
    }
    process->ppid = (pid_t)fields[PPID];
    process->pgid = (pid_t)fields[PGID];
    process->sid = (pid_t)fields[SID];
    process->threads = (unsigned)fields[THREADS];
    process->start = fields[START];
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

static void close_files(const struct process *process) {
    if (process->stat_fd >= 0) close(process->stat_fd);
    if (process->comm_fd >= 0) close(process->comm_fd);
}

static void discard(struct process *process) {
    struct process **link = &processes.buckets[(unsigned)process->tid % BUCKETS];
    while (*link != process) link = &(*link)->hash_next;
    *link = process->hash_next;
    lru_unlink(process);
    close_files(process);
    free(process->cmdline);
    for (int fd = 0; fd < STREAMS; fd++) free(process->streams[fd]);
    free(process);
    processes.count--;
}

static void discard_unfinished(void) {
    if (!processes.unfinished) return;
    close_files(processes.unfinished);
    free(processes.unfinished);
    processes.unfinished = NULL;
}

void processes_discard_all(void) {
    while (processes.count) discard(processes.lru.lru_prev);
    discard_unfinished();
}

static void forget_program(struct process *process) {
    process->number = 0;
    free(process->cmdline);
    process->cmdline = NULL;
    process->cmdline_size = 0;
}

/* Others may go on meanwhile: of what is read a part is computed from its memory map, which may be the last to be given back. */
static bool look_at_stat(int fd, char stat[STAT_SIZE]) {
    core_leave();
    bool alive = read_stat(fd, stat);
    core_return();
    return alive;
}

static struct process *first_seen(pid_t tid) {
    char stat[STAT_SIZE];
    struct stat owner;
    struct process *process = calloc(1, sizeof *process);
    if (!process) return NULL;
    process->tid = tid;
    process->comm_fd = -1;
    process->stat_fd = open_proc(tid, "stat");
    processes.unfinished = process;
    if (process->stat_fd < 0 || !look_at_stat(process->stat_fd, stat) || !name_in(stat, tid, process->comm, sizeof process->comm) ||
        !take_fields(process, stat)) {
        discard_unfinished();
        return NULL;
    }
    process->uid = fstat(process->stat_fd, &owner) ? 0 : owner.st_uid;
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

/* Whether it is alive, and its name as it is now; `stat` is empty where that was not needed. */
static bool look_again(struct process *process, char *comm, size_t size, char stat[STAT_SIZE]) {
    stat[0] = '\0';
    if (process->stat_fd < 0) return read_comm(process->comm_fd, comm, size);
    if (++process->looks == OFTEN) process->comm_fd = open_proc(process->tid, "comm");
    if (!look_at_stat(process->stat_fd, stat) || !name_in(stat, process->tid, comm, size)) return false;
    if (process->comm_fd < 0) return true;
    close(process->stat_fd); /* it lived after the other was opened, so that is its own */
    process->stat_fd = -1;
    return true;
}

struct process *thread_of(pid_t tid) {
    char comm[sizeof((struct process *)0)->comm], stat[STAT_SIZE];
    struct process *process = process_known(tid);
    if (process && !look_again(process, comm, sizeof comm, stat)) {
        discard(process); /* the number may have been given to another one */
        process = NULL;
    }
    if (!process) return first_seen(tid);
    lru_unlink(process);
    lru_front(process);
    if (strcmp(comm, process->comm) != 0) {
        memcpy(process->comm, comm, sizeof comm);
        if (stat[0] || read_proc(stat, sizeof stat, "/proc/%d/stat", (int)tid) > 0) take_fields(process, stat);
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
