/* record.c: what the operations say of what they did. Nothing is said when recording is off or the path has no name. */
#ifndef MYCELIAL_RECORD_H
#define MYCELIAL_RECORD_H

#include "handle.h"
#include "inode.h"
#include "ring.h"

/* Who asks. That may take long, and others answer meanwhile: before what is changed in the tables together with what is told. */
uint32_t record_who(fuse_req_t req);
/* The same, for what is done to that file (or a name in that directory) alone, which may be left out. */
uint32_t record_who_at(fuse_req_t req, const struct inode *inode, const char *name);
void record_expect(fuse_req_t req, const struct inode *parent, const char *name); /* if he is not known yet: who has waited long may not look any more */
/* These ask by themselves. */
void record_inode(enum event_kind kind, unsigned flags, fuse_req_t req, const struct inode *inode);
uint32_t record_open(fuse_req_t req, int flags, const struct inode *inode); /* the process */
uint32_t record_create(unsigned flags, fuse_req_t req, const struct inode *parent, const char *name);
void record_unlink(uint32_t process, fuse_req_t req, const struct inode *parent, const char *name);
void record_two(enum event_kind kind, unsigned flags, uint32_t process, fuse_req_t req, const char *path, int path_size,
                const struct inode *parent, const char *name);
void record_read(const struct handle *handle); /* closed after reading, if more is known of the reader than at the open */
void record_write(struct handle *handle); /* closed after writing, or made and left empty */

/* Below directories of these names nothing is recorded, wherever they are; each name has a NUL at its end. */
void record_leave_out(const char *names, size_t size);
bool record_leaves_out(const struct inode *inode, const char *name);

#endif
