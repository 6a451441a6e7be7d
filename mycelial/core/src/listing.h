/* listing.c: open directories of the virtual tree. */
#ifndef MYCELIAL_LISTING_H
#define MYCELIAL_LISTING_H

#include "base.h"

struct virtual_listing *listing_new(void); /* NULL: no memory */
/* With an inode's number (which Python has counted as looked up), it is told with its attributes. */
bool listing_add(struct virtual_listing *listing, const char *name, const struct fuse_entry_param *entry);
void listing_free(struct virtual_listing *listing);
void virtual_readdirplus(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi);
void virtual_releasedir(fuse_req_t req, struct fuse_file_info *fi);

#endif
