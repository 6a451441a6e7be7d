/* On which processor the reader runs: where the program runs that asks.
 *
 * They take turns, one waits while the other works. The kernel does not know that, and wakes the one who waits on a
 * processor that sleeps, which takes longer than most answers (in a virtual machine several times as long). So the reader
 * goes to whoever asks for many things in a row. Where several ask at the same time, or somebody for much data, which
 * the kernel reads ahead of the program, it runs wherever the kernel likes.
 *
 * Another program that is busy there would let the reader, and whoever asked, wait for the next tick of the clock, some
 * milliseconds. A short slice lets the reader go before it as long as it took no more than its share of the processor; a
 * larger share, where root mounts, for as long as anybody asks: it answers and sleeps.
 */
#include "placement.h"
#include "lock.h"
#include "proc.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IN_A_ROW 4      /* requests of one thread, after which it is followed */
#define IN_TURNS 8      /* changes from one thread to another before that, after which nobody is */
#define LOOK_US 1000    /* at most so often it is looked where the thread runs, which takes 2 us */
#define MUCH (64 << 10) /* bytes */
#define SLICE_NS 100000 /* the shortest that there is */
#define NICER 5         /* steps, each a fifth more of the processor */
#define FIELD_CPU 39    /* of /proc/PID/stat, counted from 1; then comes the priority in real time */

static struct {
    bool begun, on;
    cpu_set_t anywhere;
    int niceness; /* of the daemon */
    pid_t reader; /* whose place `cpu` is */
    int cpu;      /* -1: any */
    pid_t tid;    /* who asked last */
    unsigned in_a_row, in_turns;
    uint64_t looked_us;
} placement;

void placement_init(void) {
    placement.reader = 0;
    placement.begun = true;
    placement.niceness = getpriority(PRIO_PROCESS, 0);
    placement.on = sched_getaffinity(0, sizeof placement.anywhere, &placement.anywhere) == 0 && CPU_COUNT(&placement.anywhere) > 1;
}

void placement_anywhere(void) {
    if (placement.on) sched_setaffinity(0, sizeof placement.anywhere, &placement.anywhere);
    if (placement.begun) setpriority(PRIO_PROCESS, 0, placement.niceness);
}

/* What is not allowed, or not known to an older kernel, is left as it is. */
void placement_go_first(void) {
    struct { /* sched_attr of linux/sched/types.h, which some libraries define in their own way */
        uint32_t size, policy;
        uint64_t flags;
        int32_t niceness;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } wanted = {.size = sizeof wanted, .policy = SCHED_OTHER, .runtime = SLICE_NS};
    if (sched_getscheduler(0) != SCHED_OTHER) return; /* whoever runs the daemon wants something else */
    setpriority(PRIO_PROCESS, 0, placement.niceness - NICER);
    wanted.niceness = getpriority(PRIO_PROCESS, 0); /* of this thread alone, as all here */
    syscall(SYS_sched_setattr, 0, &wanted, 0);
}

static void move(int cpu) {
    cpu_set_t there = placement.anywhere;
    if (cpu >= 0) {
        CPU_ZERO(&there);
        CPU_SET(cpu, &there);
    }
    if (sched_setaffinity(0, sizeof there, &there) == 0) placement.cpu = cpu;
}

/* -1: not to be seen, or of a program in real time, which leaves it to nobody. */
static int processor_of(pid_t tid) {
    char text[1024];
    int cpu;
    unsigned priority;
    if (setjmp(core_way_back)) return -1;
    if (core_is_left() || read_proc(text, sizeof text, "/proc/%d/task/%d/stat", (int)tid, (int)tid) <= 0) return -1;
    const char *at = strrchr(text, ')'); /* the name, which is field 2, may hold anything */
    for (int field = 2; at && field < FIELD_CPU; field++) at = strchr(at + 1, ' ');
    return at && sscanf(at, " %d %u", &cpu, &priority) == 2 && !priority ? cpu : -1;
}

static bool is_much(const struct fuse_in_header *request) {
    const struct fuse_read_in *read = (const void *)(request + 1);
    return request->len > MUCH || (request->opcode == FUSE_READ && read->size > MUCH);
}

/* A program that becomes another one closes files, and whoever looks at it then waits until it has: for our answer. */
static bool may_be_becoming(const struct fuse_in_header *request) {
    return request->opcode == FUSE_FLUSH || request->opcode == FUSE_SETLK || request->opcode == FUSE_SETLKW;
}

void placement_follow(const struct fuse_in_header *request) {
    pid_t tid = (pid_t)request->pid;
    if (!placement.on || tid <= 0 || may_be_becoming(request)) return;
    if (placement.reader != core_seat->tid) {
        placement.reader = core_seat->tid;
        placement.cpu = -1;
    }
    bool is_other = tid != placement.tid;
    /* Who was followed may have the processor to himself now. */
    if (is_other && placement.cpu >= 0 && now_us() - placement.looked_us > 2 * LOOK_US) move(-1);
    if (is_other && placement.in_a_row < IN_A_ROW) placement.in_turns++;
    placement.in_a_row = is_other ? 1 : placement.in_a_row + 1;
    placement.tid = tid;
    if (is_much(request) || placement.in_turns >= IN_TURNS) {
        if (placement.cpu >= 0) move(-1);
        placement.in_a_row = placement.in_turns = 0;
        return;
    }
    if (placement.in_a_row < IN_A_ROW) return;
    placement.in_turns = 0;
    uint64_t now = now_us();
    if (now - placement.looked_us < LOOK_US) return;
    placement.looked_us = now;
    int cpu = processor_of(tid);
    if (cpu >= 0 && cpu < CPU_SETSIZE && cpu != placement.cpu && CPU_ISSET(cpu, &placement.anywhere)) move(cpu);
}
