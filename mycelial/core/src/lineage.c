/* Who a process is and where it comes from.
 *
 * The kernel names the thread that asks. What the engine wants to know is the process, its ancestors, its command and
 * the pipes that join it to its neighbours, and all that is gone when the process is. So it is read while the process
 * waits for our answer, once, when it is first seen; what is kept open is /proc/TID/comm. Reading that again tells two
 * things for one system call: whether the number still means the same process (a dead one gives ESRCH), and whether
 * it has become another program (exec changes the name).
 */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKETS 1024
#define MAX_ANCESTORS 32
#define DRIVERS 4       /* nearest ancestors whose command line is told: gcc says more than the as that it runs */
#define DRIVER_SIZE 2048 /* bytes of it */
#define STREAMS 3

struct process {
    struct process *hash_next, *lru_prev, *lru_next;
    pid_t tid, tgid, ppid, pgid, sid;
    unsigned threads;
    uint64_t start; /* clock ticks since boot */
    int comm_fd;
    char comm[64];
    uint32_t number, epoch;
    struct pipeline pipeline;
    char *cmdline; /* as an ancestor; read once */
    size_t cmdline_size;
    char *streams[STREAMS]; /* where they led when a shell had redirected them, for they are closed at the end */
};

static struct {
    struct process *buckets[BUCKETS];
    struct process lru;
    unsigned count, max;
    uint32_t last_number, epoch;
    pid_t ignored[2];
    unsigned long reads;
    struct process *unfinished; /* not in the table yet */
} processes;

static _Thread_local jmp_buf way_back; /* for a thread that was given up while it looked at a process (reader.c) */

_Noreturn void lineage_turn_back(void) { longjmp(way_back, 1); }

int lineage_init(unsigned max_processes) {
    processes.lru.lru_prev = processes.lru.lru_next = &processes.lru;
    processes.max = max_processes;
    processes.ignored[0] = getpid();
    return 0;
}

void lineage_announce_again(void) { processes.epoch++; }
void lineage_ignore(pid_t pid) { processes.ignored[1] = pid; }
unsigned long lineage_reads(void) { return processes.reads; }

/* ---- reading /proc ------------------------------------------------------------------------------------------------ */

/* The kernel lets nobody read much of a process that is becoming another program, and that process may wait for our
 * answer to its closing of a file. Of the caller that can be seen; anybody else may begin it at any moment, so the core is
 * left while it reads, and a stand-in answers if that lasts (reader.c). Meanwhile nothing here is changed. */

static ssize_t read_path(const char *path, char *buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t got = read(fd, buffer, size - 1);
    close(fd);
    if (got >= 0) buffer[got] = '\0';
    return got;
}

ssize_t read_proc_apart(char *buffer, size_t size, pid_t pid, const char *name) {
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return read_path(path, buffer, size);
}

ssize_t read_proc(char *buffer, size_t size, const char *format, ...) {
    char path[96];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    core_leave();
    ssize_t got = read_path(path, buffer, size);
    core_return();
    return got;
}

size_t read_proc_link(char *buffer, size_t size, pid_t pid, const char *name) {
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    core_leave();
    ssize_t got = readlink(path, buffer, size);
    core_return();
    return got < 0 ? 0 : (size_t)got;
}

bool lineage_is_becoming(pid_t pid) {
    char text[4096];
    if (setjmp(way_back)) return true;
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

void lineage_begin_anew(void) {
    while (processes.count) discard(processes.lru.lru_prev);
    discard_unfinished();
    pipeline_forget_all();
}

static void forget_program(struct process *process) {
    process->number = 0;
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

static struct process *find(pid_t tid) {
    struct process *process = processes.buckets[(unsigned)tid % BUCKETS];
    while (process && process->tid != tid) process = process->hash_next;
    return process;
}

/* The thread's entry, checked to be alive and the same program. It stays valid until the next call. */
static struct process *thread_of(pid_t tid) {
    char comm[sizeof((struct process *)0)->comm];
    struct process *process = find(tid);
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

static struct process *process_of(pid_t tid) {
    if (tid <= 0) return NULL;
    struct process *process = thread_of(tid);
    if (process && process->tgid != tid) process = thread_of(process->tgid);
    while (process && processes.count > processes.max && processes.lru.lru_prev != process) discard(processes.lru.lru_prev);
    return process;
}

/* ---- what is told about a process ----------------------------------------------------------------------------------- */

struct text {
    char *data;
    size_t size, room;
};

static void append(struct text *text, const void *data, size_t size) {
    if (!size || text->size + size > text->room) return;
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

static void append_field(struct text *text, const void *data, size_t size) {
    uint16_t length = (uint16_t)(size > UINT16_MAX ? UINT16_MAX : size);
    append(text, &length, sizeof length);
    append(text, data, length);
}

static void append_pipes(struct text *text, const struct pipes *pipes) {
    char names[MAX_PIPES * 32];
    size_t size = 0;
    for (unsigned i = 0; i < pipes->count; i++)
        size += (size_t)snprintf(names + size, sizeof names - size, "pipe:[%llu]", (unsigned long long)pipes->inodes[i]) + 1;
    append_field(text, names, size);
}

/* Only of processes with one thread, which waits for its child: reading it can wait for nobody who waits for us. */
static void read_driver(struct process *process) {
    char text[DRIVER_SIZE];
    if (process->cmdline || process->threads > 1) return;
    ssize_t got = read_proc(text, sizeof text, "/proc/%d/cmdline", (int)process->tid);
    process->cmdline_size = got > 0 ? (size_t)got : 0;
    process->cmdline = malloc(process->cmdline_size + 1);
    if (process->cmdline) memcpy(process->cmdline, text, process->cmdline_size);
}

/* The ancestors' names, and the command lines of the nearest, each with its length in front. */
static void describe_ancestors(pid_t ppid, struct text *names, struct text *command_lines) {
    for (unsigned depth = 0; depth < MAX_ANCESTORS && ppid > 1; depth++) {
        char number[16];
        struct process *ancestor = thread_of(ppid);
        if (!ancestor) break;
        append(names, number, (size_t)snprintf(number, sizeof number, "%d", (int)ppid) + 1);
        append(names, ancestor->comm, strlen(ancestor->comm) + 1);
        if (depth < DRIVERS) {
            read_driver(ancestor);
            append_field(command_lines, ancestor->cmdline, ancestor->cmdline ? ancestor->cmdline_size : 0);
        }
        ppid = ancestor->ppid;
    }
}

/* The kernel takes its time to say it, and a session hardly ever spans two. */
static void append_cgroup(struct text *text, pid_t pid, pid_t sid) {
    static struct {
        pid_t sid;
        size_t size;
        char name[1024];
    } latest;
    char groups[2048];
    if (!sid || sid != latest.sid) {
        const char *line = read_proc(groups, sizeof groups, "/proc/%d/cgroup", (int)pid) > 0 ? strstr(groups, "0::") : NULL;
        latest.sid = sid;
        latest.size = line ? strcspn(line + 3, "\n") : 0;
        if (latest.size > sizeof latest.name) latest.size = 0;
        if (latest.size) memcpy(latest.name, line + 3, latest.size);
    }
    append_field(text, latest.name, latest.size);
}

static void append_descriptor(struct text *text, const struct process *process, int fd) {
    char name[32], target[4096];
    snprintf(name, sizeof name, "fd/%d", fd);
    size_t size = read_proc_link(target, sizeof target - 1, process->tgid, name);
    const char *then = fd < STREAMS ? process->streams[fd] : NULL;
    target[size] = '\0';
    if (!size && !then) return;
    append(text, name + 3, strlen(name + 3) + 1);
    append(text, size ? target : then, strlen(size ? target : then) + 1);
}

/* Where the standard streams lead, and the pipes that a shell's <( ) and >( ) give by name. */
static void append_descriptors(struct text *text, const struct process *process, const char *cmdline, size_t size,
                               struct pipeline *pipeline) {
    char data[8192];
    struct text pairs = {data, 0, sizeof data};
    for (int fd = 0; fd < STREAMS; fd++) append_descriptor(&pairs, process, fd);
    for (const char *at = cmdline, *end; at < cmdline + size; at = end + 1) {
        int fd, length = 0;
        end = memchr(at, '\0', size - (size_t)(at - cmdline));
        if (!end) break;
        if (sscanf(at, "/dev/fd/%d%n", &fd, &length) != 1 || at[length] || fd < STREAMS) continue;
        append_descriptor(&pairs, process, fd);
        pipeline_named(pipeline, process->tgid, fd);
    }
    append_field(text, pairs.data, pairs.size);
}

/* What a shell's child became first, if it is now what that has run, or is at its end. */
static size_t first_program(pid_t pid, char *cmdline, size_t size, size_t room) {
    char first[2048];
    size_t length = watch_command_line(pid, first, sizeof first < room ? sizeof first : room);
    if (length < size || memcmp(first + length - size, cmdline, size) != 0) return size;
    memcpy(cmdline, first, length);
    return length;
}

static void announce(struct process *process) {
    char data[57344], field[8192]; /* of which all fields together need 54 KiB */
    struct text text = {data, 0, sizeof data};
    uint32_t ids[4] = {(uint32_t)process->tgid, (uint32_t)process->ppid, (uint32_t)process->pgid, (uint32_t)process->sid};
    struct stat owner;
    pid_t ppid = process->ppid;
    struct pipeline pipeline = process->pipeline;
    process->number = ++processes.last_number;
    process->epoch = processes.epoch;
    processes.reads++;
    uint32_t number = process->number, uid = fstat(process->comm_fd, &owner) ? 0 : owner.st_uid;
    append(&text, ids, sizeof ids);
    append(&text, &process->start, sizeof process->start);
    append_field(&text, process->comm, strlen(process->comm));
    append_field(&text, field, read_proc_link(field, sizeof field, process->tgid, "exe"));
    append_field(&text, field, read_proc_link(field, sizeof field, process->tgid, "cwd"));
    append_cgroup(&text, process->tgid, process->sid);
    size_t size = 0;
    if (process->threads > 1) {
        size = worker_read_cmdline(process->tgid, field, sizeof field);
    } else {
        ssize_t got = read_proc(field, sizeof field, "/proc/%d/cmdline", (int)process->tgid);
        if (got > 0) size = (size_t)got;
    }
    const struct process *parent = find(ppid);
    if (parent && process->threads == 1 && !strcmp(parent->comm, process->comm)) {
        watch_child(process->tgid, field, size);
        pipeline_to_be_named(&pipeline, process->tgid, ppid);
    }
    size = first_program(process->tgid, field, size, sizeof field);
    append_field(&text, field, size);
    char descriptors[8192 + 2];
    struct text streams = {descriptors, 0, sizeof descriptors};
    append_descriptors(&streams, process, field, size, &pipeline);
    char chain[MAX_ANCESTORS * 96], drivers[DRIVERS * (DRIVER_SIZE + 2)];
    struct text names = {chain, 0, sizeof chain}, command_lines = {drivers, 0, sizeof drivers};
    describe_ancestors(ppid, &names, &command_lines); /* discards dead ones only, and this one waits for us */
    append_field(&text, names.data, names.size);
    append_pipes(&text, &pipeline.in);
    append_pipes(&text, &pipeline.out);
    append_field(&text, command_lines.data, command_lines.size);
    append(&text, streams.data, streams.size);
    append_field(&text, field, pipeline_neighbours(&pipeline, field, sizeof field));
    if (!ring_process(number, uid, data, text.size)) process->number = PROCESS_UNKNOWN; /* so it is told next time */
}

static uint32_t number_of(pid_t tid, bool look_at_pipes) {
    if (core_is_left()) return lineage_latest(tid);
    if (setjmp(way_back)) return PROCESS_UNKNOWN;
    struct process *process = process_of(tid);
    if (!process) return PROCESS_UNKNOWN;
    for (unsigned i = 0; i < 2 && processes.ignored[i]; i++) /* they, and what they start to work for them */
        if (process->tgid == processes.ignored[i] || process->ppid == processes.ignored[i]) return PROCESS_IGNORED;
    bool known = process->number && process->epoch == processes.epoch;
    if (known && !(look_at_pipes && (process->pipeline.in.count || process->pipeline.out.count))) return process->number;
    struct pipeline pipeline = process->pipeline;
    bool changed = pipeline_follow(&pipeline, process->tgid);
    process = process_of(tid); /* the table was looked through */
    if (!process) return PROCESS_UNKNOWN;
    process->pipeline = pipeline;
    if (!known || changed) announce(process);
    return process->number;
}

pid_t lineage_parent(pid_t pid) {
    const struct process *process = thread_of(pid);
    return process ? process->ppid : 0;
}

uint32_t lineage_number(pid_t tid) { return number_of(tid, false); }
uint32_t lineage_refresh_pipes(pid_t tid) { return number_of(tid, true); }

uint32_t lineage_latest(pid_t tid) {
    const struct process *process = find(tid);
    if (process && process->tgid != tid) process = find(process->tgid);
    return process ? process->number : PROCESS_UNKNOWN;
}

void lineage_redirected(pid_t tid) {
    char name[16], target[4096];
    if (core_is_left() || setjmp(way_back)) return;
    struct process *process = find(tid);
    if (!process || process->tgid != tid || process->threads > 1) return;
    for (int fd = 0; fd < STREAMS; fd++) {
        snprintf(name, sizeof name, "fd/%d", fd);
        size_t size = read_proc_link(target, sizeof target - 1, tid, name);
        target[size] = '\0';
        free(process->streams[fd]);
        process->streams[fd] = size ? strdup(target) : NULL;
    }
    ssize_t size = read_proc(target, sizeof target, "/proc/%d/cmdline", (int)tid);
    if (size > 0) watch_child(tid, target, (size_t)size);
}
