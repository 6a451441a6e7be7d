/* starting.c: whether a shell is still starting the programs of a pipeline. */
#ifndef MYCELIAL_STARTING_H
#define MYCELIAL_STARTING_H

#include "base.h"

bool starting_is_busy(pid_t pid);
bool starting_is_alive(pid_t pid); /* and has not ended, waiting for its parent to notice */
bool starting_is_moving(pid_t pid, uint64_t waited_us);
bool starting_is_copy(pid_t child, pid_t shell, uint64_t waited_us);
uint64_t starting_ran_us(pid_t pid, uint64_t waited_us);
bool starting_holds(pid_t pid, uint64_t pipe, int mode); /* O_RDONLY or O_WRONLY: that end of it */
int starting_mode(pid_t pid, int fd);                    /* how it is open, or -1 */

#endif
