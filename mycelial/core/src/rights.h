/* rights.c: what FUSE does not tell of who asks. */
#ifndef MYCELIAL_RIGHTS_H
#define MYCELIAL_RIGHTS_H

#include "base.h"

#define MAX_GROUPS 1024 /* more than that are left out; the kernel has judged by all of them */

struct rights {
    uint32_t capabilities; /* those that overrule what a file's modes say, as a mask */
    size_t group_count;
    gid_t groups[MAX_GROUPS];
    bool is_elsewhere; /* in a user namespace of its own: the capabilities are over the files of its users only */
};
void rights_of(pid_t tid, uid_t uid, gid_t gid, struct rights *rights); /* who has these ids now */
bool rights_reach(pid_t tid, int fd); /* whether the file is of users of that process' namespace, by what it is now */
void rights_read(pid_t tid, struct rights *rights);                     /* on any thread, without the core */

#endif
