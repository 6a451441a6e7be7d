/* proc.c: reading /proc. */
#ifndef MYCELIAL_PROC_H
#define MYCELIAL_PROC_H

#include "base.h"

__attribute__((format(printf, 3, 4))) ssize_t read_proc(char *buffer, size_t size, const char *format, ...);
ssize_t read_proc_apart(char *buffer, size_t size, pid_t pid, const char *name); /* on any thread, without the core */
ssize_t read_proc_link_apart(char *buffer, size_t size, pid_t pid, const char *name); /* with a NUL at its end */
/* R, S, D, Z ... of what /proc/PID/stat says; 0: it says nothing. */
char proc_state(const char *stat);
size_t read_proc_link(char *buffer, size_t size, pid_t pid, const char *name);

#endif
