/* The source as one caller may see it.
 *
 * A link of the virtual tree must not tell that a file exists to somebody who could not find out by himself. So the
 * question is put to the kernel, in that caller's name: with his ids, on a path that may not leave the source and
 * passes no symbolic link.
 */
#include "reach.h"
#include "caller.h"
#include "stat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    int source_fd;
    gid_t own_groups[1024];
    int own_group_count;
} reach = {.source_fd = -1};

void reach_init(int source_fd) {
    reach.source_fd = source_fd;
    reach.own_group_count = getgroups(1024, reach.own_groups);
    if (reach.own_group_count < 0) reach.own_group_count = 0;
}

static int open_as(const struct reach_caller *caller, const char *path, uint64_t flags) {
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int root = geteuid() == 0 && caller->uid != 0;
    if (root) caller_set(caller->uid, caller->gid, caller->groups, caller->group_count);
    int fd = (int)syscall(SYS_openat2, reach.source_fd, *path ? path : ".", &how, sizeof how);
    int error = errno;
    if (root) caller_set(0, 0, reach.own_groups, (size_t)reach.own_group_count);
    return fd < 0 ? -error : fd;
}

mode_t reach_type(const struct reach_caller *caller, const char *path) {
    struct statx stx;
    int fd = open_as(caller, path, O_PATH | O_NOFOLLOW);
    if (fd < 0) return 0;
    int error = stat_fd(fd, &stx);
    close(fd);
    return error ? 0 : stx.stx_mode & S_IFMT;
}

int reach_directory(const struct reach_caller *caller, const char *path) {
    return open_as(caller, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}
