/* way.c: a descriptor of a file, which stays while the core is left. */
#ifndef MYCELIAL_WAY_H
#define MYCELIAL_WAY_H

#include "inode.h"

#define PROC_PATH_SIZE 32

struct way {
    struct inode *directory; /* whose descriptor is held */
    int fd;
    bool owned, leaves;
    char path[PROC_PATH_SIZE]; /* the magic link leads to the inode itself, a symbolic link included */
};
int way_begin(struct way *way, struct inode *inode); /* 0 or an error's number */
void way_end(const struct way *way);
/* Around what may wait. */
void way_leave(const struct way *way);
void way_return(const struct way *way);
void proc_path(char path[PROC_PATH_SIZE], int fd);

#endif
