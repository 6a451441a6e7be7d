/* watch.c: what a shell's child becomes. */
#ifndef MYCELIAL_WATCH_H
#define MYCELIAL_WATCH_H

#include "base.h"

void watch_child(pid_t pid, const char *cmdline, size_t size);    /* that it has as the copy of its shell */
size_t watch_command_line(pid_t pid, char *buffer, size_t room); /* of the first program that it became; bytes */

#endif
