/* proc.c: reading /proc. */
#ifndef MYCELIAL_PROC_H
#define MYCELIAL_PROC_H

#include "base.h"

__attribute__((format(printf, 3, 4))) ssize_t read_proc(char *buffer, size_t size, const char *format, ...);
ssize_t read_proc_apart(char *buffer, size_t size, pid_t pid, const char *name); /* on any thread, without the core */
ssize_t read_proc_link_apart(char *buffer, size_t size, pid_t pid, const char *name); /* with a NUL at its end */
/* R, S, D, Z ... of what /proc/PID/stat says; 0: it says nothing. */
char proc_state(const char *stat);
/* Which descriptor a word of a command line names, as a shell gives them for <( ) and >( ); -1: none, or a standard stream. */
int proc_named(const char *word);

#define LINE_SIZE 16384 /* bytes of a command line that are told */
/* How many of these are told of one that was read into `room` bytes: where it is not whole, it ends without the NUL that
 * others have. */
size_t proc_line_size(const char *line, size_t size, size_t room);

size_t read_proc_link(char *buffer, size_t size, pid_t pid, const char *name);

#define STREAMS 3

/* Where the standard streams of a process lead that waits for us: each is read when it is asked for, and once. */
struct proc_streams {
    pid_t pid;
    bool known[STREAMS];
    char targets[STREAMS][4096];
};
void proc_streams_of(struct proc_streams *streams, pid_t pid);
const char *proc_stream(struct proc_streams *streams, int fd); /* empty: nowhere */

#endif
