/* watch.c: what a shell's child becomes. */
#ifndef MYCELIAL_WATCH_H
#define MYCELIAL_WATCH_H

#include "base.h"

void watch_child(pid_t pid, const char *cmdline, size_t size);    /* that it has as the copy of its shell */
size_t watch_command_line(pid_t pid, char *buffer, size_t room); /* of the first program that it became; bytes */

#define MOST_NAMED 8
struct named_pipe { /* that a program was given by name, and whether to write there */
    uint64_t inode;
    bool written;
};
unsigned watch_named(pid_t pid, struct named_pipe pipes[MOST_NAMED]); /* of that program; how many */

#endif
