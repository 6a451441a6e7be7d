/* The way to a file that is going to be changed.
 *
 * That may wait for its lock, which whoever writes to it holds: for a page, maybe, that another filesystem does not bring.
 * Nobody else waits for that, where the descriptor is one that nobody else closes.
 */
#include "way.h"
#include "lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void proc_path(char path[PROC_PATH_SIZE], int fd) { snprintf(path, PROC_PATH_SIZE, "/proc/self/fd/%d", fd); }

int way_begin(struct way *way, struct inode *inode) {
    *way = (struct way){.directory = inode->type == S_IFDIR ? inode : NULL};
    way->fd = way->directory ? dir_acquire(inode) : inode_open_path(inode, &way->owned);
    if (way->fd < 0) return -way->fd;
    proc_path(way->path, way->fd);
    int own = way->directory || way->owned ? -1 : open(way->path, O_PATH | O_CLOEXEC);
    if (own >= 0) {
        way->fd = own;
        way->owned = true;
        proc_path(way->path, own);
    }
    way->leaves = way->directory || way->owned; /* else there are no descriptors left: others wait rather than that it fails */
    return 0;
}

void way_end(const struct way *way) {
    if (way->directory) dir_release(way->directory);
    if (way->owned) close(way->fd);
}

void way_leave(const struct way *way) {
    if (way->leaves) core_leave_for_disk();
}

void way_return(const struct way *way) {
    if (way->leaves) core_return();
}
