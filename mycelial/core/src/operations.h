/* The operations on real files, one part for each kind. */
#ifndef MYCELIAL_OPERATIONS_H
#define MYCELIAL_OPERATIONS_H

#include "base.h"

void operations_attr(struct fuse_lowlevel_ops *ops);
void operations_data(struct fuse_lowlevel_ops *ops);
void operations_dir(struct fuse_lowlevel_ops *ops);
void operations_names(struct fuse_lowlevel_ops *ops);

/* ops_dir.c */
int listing_fd(fuse_ino_t ino, const struct fuse_file_info *fi, bool *owned); /* of an open directory; -errno */
void listings_give_up(void);

#endif
