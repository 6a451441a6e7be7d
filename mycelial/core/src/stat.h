/* stat.c: attributes of files below. */
#ifndef MYCELIAL_STAT_H
#define MYCELIAL_STAT_H

#include "base.h"

#include <sys/stat.h>

/* 0 or an error's number. */
int stat_at(int dir_fd, const char *name, struct statx *stx); /* follows no symbolic link */
int stat_fd(int fd, struct statx *stx);
void stat_from_statx(const struct statx *stx, struct stat *st);

#endif
