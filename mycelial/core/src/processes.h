/* processes.c: the processes that were seen lately. */
#ifndef MYCELIAL_PROCESSES_H
#define MYCELIAL_PROCESSES_H

#include "pipeline.h"
#include "proc.h"

struct process {
    struct process *hash_next, *lru_prev, *lru_next;
    pid_t tid, tgid, ppid, pgid, sid;
    unsigned threads;
    uint64_t start; /* clock ticks since boot */
    int comm_fd;
    char comm[64];
    uint32_t number, epoch; /* under which it was announced */
    bool alone; /* in no pipeline, and all that it will be, when it was looked at */
    uint64_t line, input; /* of a shell: hashes of its command line, and of where its standard input led then */
    struct pipeline pipeline;
    char *cmdline; /* as an ancestor; read once */
    size_t cmdline_size;
    char *streams[STREAMS]; /* where they led when a shell had redirected them, for they are closed at the end */
};

void processes_init(unsigned max);
void processes_discard_all(void);
/* An entry stays valid until the next call. */
struct process *process_of(pid_t tid);   /* whose thread this is; NULL when it is gone */
struct process *process_known(pid_t tid); /* the thread's, as it was seen last, without looking */
struct process *thread_of(pid_t tid);    /* the thread's, checked to be alive and the same program */
bool process_is_unchanged(const struct process *process); /* alive, and the same program as far as its name tells; waits for nobody */
pid_t process_parent(pid_t pid);         /* 0 when there is none */
bool process_is_becoming(pid_t pid); /* another program, in the middle of exec: most of /proc waits for its end */

#endif
