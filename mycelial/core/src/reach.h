/* The source as one caller may see it, for the virtual tree. Safe to call from any thread, without the GIL. */
#ifndef MYCELIAL_REACH_H
#define MYCELIAL_REACH_H

#include "base.h"

struct reach_caller {
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
};

void reach_init(int source_fd);
/* S_IFMT bits of what is there, or 0 where there is nothing that this caller could stat. */
mode_t reach_type(const struct reach_caller *caller, const char *path);
/* A readable descriptor of a directory, or -errno. */
int reach_directory(const struct reach_caller *caller, const char *path);

#endif
