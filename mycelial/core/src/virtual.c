/* The virtual tree, as far as the core knows it: where it begins, and what the kernel has forgotten of it, for Python. */
#include "virtual.h"

#include <stdlib.h>
#include <string.h>

struct fuse_lowlevel_ops python_ops;

static struct {
    struct virtual_forget *data;
    size_t count, room;
} forgets;

bool is_view_dir(fuse_ino_t parent, const char *name) {
    return parent == FUSE_ROOT_ID && configuration.view_dir[0] && strcmp(name, configuration.view_dir) == 0;
}

/* They are as many as the look-ups that Python counted since it took them last, or entries of listings, at most. */
void forget_virtual(fuse_ino_t ino, uint64_t lookups) {
    if (forgets.count == forgets.room) {
        size_t room = forgets.room ? forgets.room * 2 : 64;
        struct virtual_forget *larger = realloc(forgets.data, room * sizeof *larger);
        if (!larger) return; /* that virtual inode stays; it holds nothing but its name */
        forgets.data = larger;
        forgets.room = room;
    }
    forgets.data[forgets.count++] = (struct virtual_forget){ino, lookups};
}

struct virtual_forget *virtual_take_forgets(size_t *count) {
    struct virtual_forget *taken = forgets.data;
    *count = forgets.count;
    forgets.data = NULL;
    forgets.count = forgets.room = 0;
    return taken;
}
