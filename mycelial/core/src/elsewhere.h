/* elsewhere.c: what is read on a thread of its own. */
#ifndef MYCELIAL_ELSEWHERE_H
#define MYCELIAL_ELSEWHERE_H

#include "base.h"

size_t read_proc_elsewhere(pid_t pid, char *buffer, size_t size); /* /proc/PID/cmdline; waits 50 ms at most; bytes read */

#endif
