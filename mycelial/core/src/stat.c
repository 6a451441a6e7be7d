/* Attributes of files below, always with the time of birth. */
#include "stat.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#define WANTED (STATX_BASIC_STATS | STATX_BTIME)

int stat_at(int dir_fd, const char *name, struct statx *stx) {
    return statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, WANTED, stx) ? errno : 0;
}

int stat_fd(int fd, struct statx *stx) { return statx(fd, "", AT_EMPTY_PATH, WANTED, stx) ? errno : 0; }

void stat_from_statx(const struct statx *stx, struct stat *st) {
    *st = (struct stat){
        .st_dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
        .st_ino = stx->stx_ino,
        .st_mode = stx->stx_mode,
        .st_nlink = stx->stx_nlink,
        .st_uid = stx->stx_uid,
        .st_gid = stx->stx_gid,
        .st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor),
        .st_size = (off_t)stx->stx_size,
        .st_blksize = (blksize_t)stx->stx_blksize,
        .st_blocks = (blkcnt_t)stx->stx_blocks,
        .st_atim = {stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec},
        .st_mtim = {stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec},
        .st_ctim = {stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec},
    };
}
