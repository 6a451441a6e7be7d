/* virtual.c: the virtual tree, whose inodes are answered in Python. */
#ifndef MYCELIAL_VIRTUAL_H
#define MYCELIAL_VIRTUAL_H

#include "configuration.h"

#define VIRTUAL_BIT (1ULL << 63)
static inline bool is_virtual(fuse_ino_t ino) { return (ino & VIRTUAL_BIT) != 0; }

extern struct fuse_lowlevel_ops python_ops; /* pyfuse3's handlers */

bool is_view_dir(fuse_ino_t parent, const char *name);

struct virtual_forget {
    uint64_t ino, lookups;
};
void forget_virtual(fuse_ino_t ino, uint64_t lookups);
struct virtual_forget *virtual_take_forgets(size_t *count); /* to be freed */

/* For virtual inodes: hand the request to pyfuse3, or refuse it where pyfuse3 has no handler. */
#define DELEGATE(ino, op, ...)                                                                                         \
    do {                                                                                                               \
        if (is_virtual(ino)) {                                                                                         \
            python_ops.op(__VA_ARGS__);                                                                                \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)
#define REFUSE_VIRTUAL(ino, error)                                                                                     \
    do {                                                                                                               \
        if (is_virtual(ino)) {                                                                                         \
            fuse_reply_err(req, error);                                                                                \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

#endif
