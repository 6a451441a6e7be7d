/* Who a process is and where it comes from.
 *
 * The kernel names the thread that asks. What the engine wants to know is the process, its ancestors, its command and
 * the pipes that join it to its neighbours, and all that is gone when the process is. So it is read while the process
 * waits for our answer, once, when it is first seen.
 */
#include "lineage.h"
#include "elsewhere.h"
#include "lock.h"
#include "pipeline.h"
#include "proc.h"
#include "processes.h"
#include "ring.h"
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ANCESTORS 32
#define DRIVERS 4       /* nearest ancestors whose command line is told: gcc says more than the as that it runs */
#define DRIVERS_SIZE 18432 /* bytes of all of them */
#define SHELL_SIZE 4096 /* of a shell's, which is told again with each of its children */

static struct {
    uint32_t last_number, epoch;
    pid_t ignored[2];
    unsigned long reads;
} announced;

void lineage_init(unsigned max_processes) {
    processes_init(max_processes);
    announced.ignored[0] = getpid();
}

void lineage_announce_again(void) { announced.epoch++; }
void lineage_begin_anew(void) {
    processes_discard_all();
    pipeline_forget_all();
}

void lineage_ignore(pid_t pid) { announced.ignored[1] = pid; }
unsigned long lineage_reads(void) { return announced.reads; }

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

static void append_line(struct text *text, const char *line, size_t size) {
    size_t room = text->room - text->size;
    room = room > sizeof(uint16_t) ? room - sizeof(uint16_t) : 0;
    append_field(text, line, size <= room ? size : proc_line_size(line, room, room));
}

static size_t read_line(char *line, const struct process *process) {
    ssize_t got = read_proc(line, LINE_SIZE, "/proc/%d/cmdline", (int)process->tgid);
    return got > 0 ? proc_line_size(line, (size_t)got, LINE_SIZE) : 0;
}

/* A shell does loops by itself, and its standard input is what they read as long as they go on. And it may become another
 * of its name, which is told to do something else. */
static bool is_shell(const struct process *process) {
    size_t size = strlen(process->comm);
    return process->threads == 1 && size >= 2 && !strcmp(process->comm + size - 2, "sh");
}

/* Only of processes with one thread, which waits for its child: reading it can wait for nobody who waits for us. */
static void read_driver(struct process *process) {
    char text[LINE_SIZE];
    if (process->cmdline || process->threads > 1) return;
    size_t size = read_line(text, process);
    process->cmdline_size = size > SHELL_SIZE && is_shell(process) ? proc_line_size(text, SHELL_SIZE, SHELL_SIZE) : size;
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
            append_line(command_lines, ancestor->cmdline, ancestor->cmdline ? ancestor->cmdline_size : 0);
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

static void append_descriptor(struct text *text, int fd, const char *target) {
    char pair[16 + 4096];
    if (!*target) return;
    int length = snprintf(pair, sizeof pair, "%d%c%s", fd, '\0', target);
    append(text, pair, (size_t)length + 1); /* both, or neither */
}

/* How many of the nearest ancestors have the same standard input, be it a file or a pipe: it was theirs. */
static unsigned same_input(pid_t pid, const char *own) {
    char other[4096];
    unsigned count = 0;
    size_t size = strlen(own);
    if (!size || (size > 5 && !memcmp(own, "/dev/", 5))) return 0;
    for (; pid > 1 && count < MAX_ANCESTORS; pid = process_parent(pid), count++)
        if (read_proc_link(other, sizeof other, pid, "fd/0") != size || memcmp(own, other, size) != 0) break;
    return count;
}

/* Where the standard streams lead, and the pipes that a shell's <( ) and >( ) give by name. */
static void append_descriptors(struct text *text, const struct process *process, struct proc_streams *streams,
                               const char *cmdline, size_t size, struct pipeline *pipeline) {
    char data[8192], name[32], target[4096];
    struct text pairs = {data, 0, sizeof data};
    for (int fd = 0; fd < STREAMS; fd++) {
        const char *now = proc_stream(streams, fd), *then = process->streams[fd];
        append_descriptor(&pairs, fd, *now || !then ? now : then);
    }
    for (const char *at = cmdline, *end; at < cmdline + size; at = end + 1) {
        int fd;
        end = memchr(at, '\0', size - (size_t)(at - cmdline));
        if (!end) break;
        if ((fd = proc_named(at)) < 0) continue;
        snprintf(name, sizeof name, "fd/%d", fd);
        target[read_proc_link(target, sizeof target - 1, process->tgid, name)] = '\0';
        append_descriptor(&pairs, fd, target);
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

/* A shell's child that may still become another program. */
static bool is_copy_of_parent(const struct process *process) {
    const struct process *parent = process_known(process->ppid);
    return parent && process->threads == 1 && !strcmp(parent->comm, process->comm);
}

static void announce(struct process *process, struct proc_streams *streams) {
    char data[65024], field[8192], line[LINE_SIZE]; /* all fields together need 63 KiB: what a message has room for */
    struct text text = {data, 0, sizeof data};
    uint32_t ids[4] = {(uint32_t)process->tgid, (uint32_t)process->ppid, (uint32_t)process->pgid, (uint32_t)process->sid};
    struct stat owner;
    pid_t ppid = process->ppid;
    struct pipeline pipeline = process->pipeline;
    process->number = ++announced.last_number;
    process->epoch = announced.epoch;
    announced.reads++;
    uint32_t number = process->number, uid = fstat(process->comm_fd, &owner) ? 0 : owner.st_uid;
    append(&text, ids, sizeof ids);
    append(&text, &process->start, sizeof process->start);
    append_field(&text, process->comm, strlen(process->comm));
    append_field(&text, field, read_proc_link(field, sizeof field, process->tgid, "exe"));
    append_field(&text, field, read_proc_link(field, sizeof field, process->tgid, "cwd"));
    append_cgroup(&text, process->tgid, process->sid);
    unsigned sharing = same_input(ppid, proc_stream(streams, 0));
    size_t size = process->threads > 1 ? read_proc_elsewhere(process->tgid, line, sizeof line) : read_line(line, process);
    if (is_copy_of_parent(process)) {
        watch_child(process->tgid, line, size);
        pipeline_to_be_named(&pipeline, process->tgid, ppid);
    }
    size = first_program(process->tgid, line, size, sizeof line);
    append_field(&text, line, size);
    char descriptors[8192 + 2];
    struct text led = {descriptors, 0, sizeof descriptors};
    append_descriptors(&led, process, streams, line, size, &pipeline);
    char chain[MAX_ANCESTORS * 96], drivers[DRIVERS_SIZE];
    struct text names = {chain, 0, sizeof chain}, command_lines = {drivers, 0, sizeof drivers};
    describe_ancestors(ppid, &names, &command_lines); /* discards dead ones only, and this one waits for us */
    append_field(&text, names.data, names.size);
    append_pipes(&text, &pipeline.in);
    append_pipes(&text, &pipeline.out);
    append_field(&text, command_lines.data, command_lines.size);
    append(&text, led.data, led.size);
    append_field(&text, field, pipeline_neighbours(&pipeline, field, sizeof field));
    append_field(&text, field, (size_t)snprintf(field, sizeof field, "%u", sharing));
    if (!ring_process(number, uid, data, text.size)) process->number = PROCESS_UNKNOWN; /* so it is told next time */
}

static bool is_other(uint64_t *known, const char *bytes, size_t size) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    bool changed = hash != *known;
    *known = hash;
    return changed;
}

static bool has_other_line(struct process *process) {
    char line[4096];
    ssize_t size = read_proc(line, sizeof line, "/proc/%d/cmdline", (int)process->tgid);
    return size > 0 && is_other(&process->line, line, (size_t)size); /* at its end it has none */
}

static bool has_other_input(struct process *process, struct proc_streams *streams) {
    const char *input = proc_stream(streams, 0);
    return is_other(&process->input, input, strlen(input));
}

enum look { AT_PIPES = 1, AT_INPUT = 2, ONLY_IF_JOINED = 4 };

static uint32_t number_of(pid_t tid, unsigned look) {
    if (core_is_left()) return lineage_latest(tid);
    if (setjmp(core_way_back)) return PROCESS_UNKNOWN;
    struct process *process = process_of(tid);
    if (!process) return PROCESS_UNKNOWN;
    for (unsigned i = 0; i < 2 && announced.ignored[i]; i++) /* they, and what they start to work for them */
        if (process->tgid == announced.ignored[i] || process->ppid == announced.ignored[i]) return PROCESS_IGNORED;
    bool known = process->number && process->epoch == announced.epoch;
    if (look & ONLY_IF_JOINED && process->alone) return PROCESS_UNKNOWN;
    struct proc_streams streams;
    proc_streams_of(&streams, process->tgid);
    if (is_shell(process)) {
        known &= !has_other_line(process);
        if (look & AT_INPUT || !known) known &= !has_other_input(process, &streams);
    }
    if (known && !(look & AT_PIPES && (process->pipeline.in.count || process->pipeline.out.count))) return process->number;
    struct pipeline pipeline = process->pipeline;
    bool changed = pipeline_follow(&pipeline, &streams);
    if (pipeline.in.count || pipeline.out.count) process = process_of(tid); /* the table was looked through */
    if (!process) return PROCESS_UNKNOWN;
    process->pipeline = pipeline;
    process->alone = !pipeline.in.count && !pipeline.out.count && !is_shell(process) && !is_copy_of_parent(process);
    if (look & ONLY_IF_JOINED && process->alone) return PROCESS_UNKNOWN;
    if (!known || changed) announce(process, &streams);
    return process->number;
}

uint32_t lineage_number(pid_t tid) { return number_of(tid, 0); }
uint32_t lineage_of_writer(pid_t tid) { return number_of(tid, AT_INPUT); }
uint32_t lineage_refresh_pipes(pid_t tid) { return number_of(tid, AT_PIPES | AT_INPUT); }
uint32_t lineage_if_joined(pid_t tid) { return number_of(tid, ONLY_IF_JOINED); }

/* Whose thread it is, without looking. */
static struct process *seen_last(pid_t tid) {
    struct process *process = process_known(tid);
    return process && process->tgid != tid ? process_known(process->tgid) : process;
}

uint32_t lineage_latest(pid_t tid) {
    const struct process *process = seen_last(tid);
    return process ? process->number : PROCESS_UNKNOWN;
}

bool lineage_is_still(pid_t tid, uint32_t number) {
    const struct process *process = seen_last(tid);
    return process && process->number == number && process->epoch == announced.epoch && !process->pipeline.in.count &&
           !process->pipeline.out.count && process_is_unchanged(process);
}

void lineage_settle(pid_t tid) {
    char text[2];
    if (core_is_left() || setjmp(core_way_back)) return;
    struct process *process = seen_last(tid);
    if (!process || !process->pipeline.unsettled || process->threads > 1) return;
    process->pipeline.unsettled = false;
    pid_t pid = process->tgid;
    if (read_proc(text, sizeof text, "/proc/%d/cmdline", (int)pid) > 0) number_of(pid, AT_PIPES | AT_INPUT); /* at its end it has none */
}

void lineage_redirected(pid_t tid) {
    char name[16], target[4096];
    if (core_is_left() || setjmp(core_way_back)) return;
    struct process *process = process_known(tid);
    if (!process || process->tgid != tid || process->threads > 1) return;
    for (int fd = 0; fd < STREAMS; fd++) {
        snprintf(name, sizeof name, "fd/%d", fd);
        size_t size = read_proc_link(target, sizeof target - 1, tid, name);
        target[size] = '\0';
        free(process->streams[fd]);
        process->streams[fd] = size ? strdup(target) : NULL;
    }
    if (!is_copy_of_parent(process)) return; /* it is what it will be */
    ssize_t size = read_proc(target, sizeof target, "/proc/%d/cmdline", (int)tid);
    if (size > 0) watch_child(tid, target, (size_t)size);
}
