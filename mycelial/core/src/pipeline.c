/* The pipes that join a process to its neighbours.
 *
 * A filter between two programs may touch no file of ours, so that we never hear of it: the siblings are looked at
 * too. What was found stays found, because a program may close its input before it writes, and a filter may be gone
 * by then; it goes when another pipe takes the place of the first.
 */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SIBLINGS 64

struct sibling {
    uint64_t in, out;
};

static uint64_t pipe_of(pid_t pid, const char *fd) {
    char target[64];
    size_t size = read_proc_link(target, sizeof target - 1, pid, fd);
    target[size] = '\0';
    return strncmp(target, "pipe:[", 6) == 0 ? strtoull(target + 6, NULL, 10) : 0;
}

static bool has_pipe(const struct pipes *pipes, uint64_t inode) {
    for (unsigned i = 0; i < pipes->count; i++)
        if (pipes->inodes[i] == inode) return true;
    return false;
}

static bool add_pipe(struct pipes *pipes, uint64_t inode) {
    if (!inode || pipes->count == MAX_PIPES || has_pipe(pipes, inode)) return false;
    pipes->inodes[pipes->count++] = inode;
    return true;
}

/* The pipe on the process's own input or output: another one than before begins anew. */
static bool set_first(struct pipes *pipes, uint64_t inode) {
    if (!inode || (pipes->count && pipes->inodes[0] == inode)) return false;
    pipes->count = 1;
    pipes->inodes[0] = inode;
    return true;
}

static unsigned read_siblings(pid_t pid, pid_t ppid, struct sibling *siblings) {
    char children[8192];
    unsigned count = 0;
    if (read_proc(children, sizeof children, "/proc/%d/task/%d/children", (int)ppid, (int)ppid) <= 0) return 0;
    for (char *at = children, *end; count < MAX_SIBLINGS; at = end) {
        pid_t sibling = (pid_t)strtol(at, &end, 10);
        if (end == at) break;
        if (sibling == pid) continue;
        siblings[count] = (struct sibling){pipe_of(sibling, "fd/0"), pipe_of(sibling, "fd/1")};
        if (siblings[count].in || siblings[count].out) count++;
    }
    return count;
}

/* Whether the far end is known: somebody writes the last pipe of the input, somebody reads the last of the output. */
static bool ends(const struct pipeline *pipeline, const struct sibling *siblings, unsigned count) {
    const struct pipes *in = &pipeline->in, *out = &pipeline->out;
    bool written = !in->count, read = !out->count;
    for (unsigned i = 0; i < count; i++) {
        written |= in->count && siblings[i].out == in->inodes[in->count - 1];
        read |= out->count && siblings[i].in == out->inodes[out->count - 1];
    }
    return written && read;
}

bool pipeline_follow(struct pipeline *pipeline, pid_t pid, pid_t ppid) {
    struct sibling siblings[MAX_SIBLINGS];
    struct pipes *in = &pipeline->in, *out = &pipeline->out;
    bool changed = set_first(in, pipe_of(pid, "fd/0"));
    changed |= set_first(out, pipe_of(pid, "fd/1"));
    pipeline->open_ended = false;
    if (!in->count && !out->count) return changed;
    unsigned count = read_siblings(pid, ppid, siblings);
    for (bool grown = true; grown;) {
        grown = false;
        for (unsigned i = 0; i < count; i++) {
            if (has_pipe(in, siblings[i].out)) grown |= add_pipe(in, siblings[i].in);
            if (has_pipe(out, siblings[i].in)) grown |= add_pipe(out, siblings[i].out);
        }
        changed |= grown;
    }
    pipeline->open_ended = !ends(pipeline, siblings, count);
    return changed;
}
