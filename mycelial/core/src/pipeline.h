/* pipeline.c: the pipes that join a process to its neighbours. */
#ifndef MYCELIAL_PIPELINE_H
#define MYCELIAL_PIPELINE_H

#include "base.h"
#include "proc.h"

#define MAX_PIPES 16
struct pipes {
    uint64_t inodes[MAX_PIPES]; /* the process's own first */
    unsigned count;
};
struct pipeline {
    struct pipes in, out;
    unsigned neighbours; /* other parts of the pipeline whose command is known */
    bool unsettled;      /* more of them were there than could be described yet */
};
void pipeline_forget_all(void);
bool pipeline_follow(struct pipeline *pipeline, struct proc_streams *streams); /* whether more is known */
void pipeline_named(struct pipeline *pipeline, pid_t pid, int fd);      /* a pipe given by name */
void pipeline_to_be_named(struct pipeline *pipeline, pid_t pid, pid_t shell); /* to what a shell's copy becomes */
/* What is known of the neighbours, each with its length in front: number, streams 0 to 2, command line; bytes. */
size_t pipeline_neighbours(const struct pipeline *pipeline, char *buffer, size_t room);

#endif
