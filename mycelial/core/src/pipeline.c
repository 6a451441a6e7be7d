/* The pipes that join a process to its neighbours.
 *
 * A filter between two programs may touch no file of ours, so that we never hear of it: the siblings are looked at
 * too, and where the pipe is a parent's as well, that parent's siblings. A shell starts the programs of a pipeline one after the other, and the first may open its input before the
 * last is there; so the process waits for our answer until both ends of its pipeline are known, a few milliseconds at
 * most. Many pipes lead elsewhere (to a program that reads its child's output): each is waited for once, and the more
 * often that was in vain lately, the shorter. What was found stays found: a program may close its input before it
 * writes, and a filter may be gone by then.
 */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SIBLINGS 64
#define REMEMBERED 128
#define WAIT_US 10000     /* halved for each time in vain */
#define FORGIVE_US 1000000 /* after which one time in vain is forgotten */
#define PAUSE_NS 50000

struct sibling {
    uint64_t in, out;
};

/* Filters seen lately, which may be gone, and pipes whose other end was waited for in vain. */
static struct {
    struct sibling filters[REMEMBERED];
    uint64_t elsewhere[REMEMBERED];
    unsigned next_filter, next_elsewhere;
    unsigned in_vain;
    uint64_t in_vain_us; /* when it was last */
} memory;

static uint64_t pipe_of(pid_t pid, const char *fd) {
    char target[64];
    size_t size = read_proc_link(target, sizeof target - 1, pid, fd);
    target[size] = '\0';
    return strncmp(target, "pipe:[", 6) == 0 ? strtoull(target + 6, NULL, 10) : 0;
}

static bool has_pipe(const struct pipes *pipes, uint64_t inode) {
    for (unsigned i = 0; i < pipes->count; i++)
        if (pipes->inodes[i] == inode) return true;
    return false;
}

static bool add_pipe(struct pipes *pipes, uint64_t inode) {
    if (!inode || pipes->count == MAX_PIPES || has_pipe(pipes, inode)) return false;
    pipes->inodes[pipes->count++] = inode;
    return true;
}

/* The pipe on the process's own input or output: another one than before begins anew. */
static bool set_first(struct pipes *pipes, uint64_t inode) {
    if (!inode || (pipes->count && pipes->inodes[0] == inode)) return false;
    pipes->count = 1;
    pipes->inodes[0] = inode;
    return true;
}

static void remember_filter(struct sibling filter) {
    for (unsigned i = 0; i < REMEMBERED; i++)
        if (memory.filters[i].in == filter.in && memory.filters[i].out == filter.out) return;
    memory.filters[memory.next_filter++ % REMEMBERED] = filter;
}

static bool is_elsewhere(uint64_t pipe) {
    for (unsigned i = 0; i < REMEMBERED; i++)
        if (memory.elsewhere[i] == pipe) return true;
    return false;
}

static void remember_elsewhere(uint64_t pipe) {
    if (pipe && !is_elsewhere(pipe)) memory.elsewhere[memory.next_elsewhere++ % REMEMBERED] = pipe;
}

/* The program of the pipeline: a child writes into the pipe that it inherited. */
static pid_t program_of(pid_t pid, const char *fd, uint64_t pipe) {
    for (pid_t parent = lineage_parent(pid); parent > 1 && pipe_of(parent, fd) == pipe; parent = lineage_parent(pid)) pid = parent;
    return pid;
}

static unsigned read_siblings(pid_t pid, struct sibling *siblings) {
    char children[8192];
    unsigned count = 0;
    pid_t ppid = lineage_parent(pid);
    if (read_proc(children, sizeof children, "/proc/%d/task/%d/children", (int)ppid, (int)ppid) <= 0) return 0;
    for (char *at = children, *end; count < MAX_SIBLINGS; at = end) {
        pid_t sibling = (pid_t)strtol(at, &end, 10);
        if (end == at) break;
        if (sibling == pid) continue;
        siblings[count] = (struct sibling){pipe_of(sibling, "fd/0"), pipe_of(sibling, "fd/1")};
        if (siblings[count].in && siblings[count].out) remember_filter(siblings[count]);
        if (siblings[count].in || siblings[count].out) count++;
    }
    return count;
}

static bool grow(struct pipeline *pipeline) {
    bool any = false;
    for (bool grown = true; grown; any |= grown) {
        grown = false;
        for (unsigned i = 0; i < REMEMBERED; i++) {
            const struct sibling *filter = &memory.filters[i];
            if (filter->out && has_pipe(&pipeline->in, filter->out)) grown |= add_pipe(&pipeline->in, filter->in);
            if (filter->in && has_pipe(&pipeline->out, filter->in)) grown |= add_pipe(&pipeline->out, filter->out);
        }
    }
    return any;
}

/* Whether both far ends are known: somebody writes the last pipe of the input, somebody reads the last of the output. */
static bool is_complete(const struct pipeline *pipeline, const struct sibling *siblings, unsigned count) {
    uint64_t in = pipeline->in.count ? pipeline->in.inodes[pipeline->in.count - 1] : 0;
    uint64_t out = pipeline->out.count ? pipeline->out.inodes[pipeline->out.count - 1] : 0;
    bool written = !in || is_elsewhere(in), read = !out || is_elsewhere(out);
    for (unsigned i = 0; i < count; i++) {
        written |= siblings[i].out == in;
        read |= siblings[i].in == out;
    }
    return written && read;
}

static void give_up(const struct pipes *pipes) {
    if (pipes->count) remember_elsewhere(pipes->inodes[pipes->count - 1]);
}

static uint64_t patience_us(uint64_t now) {
    uint64_t forgiven = (now - memory.in_vain_us) / FORGIVE_US;
    memory.in_vain = forgiven < memory.in_vain ? memory.in_vain - (unsigned)forgiven : 0;
    memory.in_vain_us += forgiven * FORGIVE_US;
    return WAIT_US >> memory.in_vain;
}

bool pipeline_follow(struct pipeline *pipeline, pid_t pid) {
    struct sibling siblings[2 * MAX_SIBLINGS];
    bool changed = set_first(&pipeline->in, pipe_of(pid, "fd/0"));
    changed |= set_first(&pipeline->out, pipe_of(pid, "fd/1"));
    if (!pipeline->in.count && !pipeline->out.count) return changed;
    pid_t reader = pipeline->in.count ? program_of(pid, "fd/0", pipeline->in.inodes[0]) : pid;
    pid_t writer = pipeline->out.count ? program_of(pid, "fd/1", pipeline->out.inodes[0]) : pid;
    uint64_t now = now_us();
    for (uint64_t until = now + patience_us(now); now <= until; now = now_us()) {
        unsigned count = read_siblings(writer, siblings);
        if (reader != writer) count += read_siblings(reader, siblings + count);
        changed |= grow(pipeline);
        if (is_complete(pipeline, siblings, count)) return changed;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    if (memory.in_vain < 8) memory.in_vain++;
    memory.in_vain_us = now;
    give_up(&pipeline->in);
    give_up(&pipeline->out);
    return changed;
}
