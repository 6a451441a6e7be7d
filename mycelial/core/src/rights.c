/* What the process that asks may do besides what its ids say: its supplementary groups, and its capabilities.
 *
 * FUSE tells neither, so both are read from /proc. Reading takes longer than most requests, and who has no capability
 * cannot change his groups: his are kept for a moment, so long as he has got none since (by a namespace of his own, or
 * a program that brings some). Servers that act for one user after the other (Samba, NFS in user space) have
 * capabilities, and are looked at each time.
 */
#include "rights.h"
#include "proc.h"
#include "stat.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEPT 64
#define KEPT_GROUPS 32
#define KEPT_S 1 /* as long as the kernel keeps attributes */

/* What a change of filesystem ids takes away, and who asks may have all the same. */
#define ON_FILES                                                                                                       \
    (CAP_TO_MASK(CAP_CHOWN) | CAP_TO_MASK(CAP_DAC_OVERRIDE) | CAP_TO_MASK(CAP_DAC_READ_SEARCH) | CAP_TO_MASK(CAP_FOWNER) | \
     CAP_TO_MASK(CAP_FSETID))

static struct kept {
    pid_t tid;
    uid_t uid;
    gid_t gid;
    time_t until;
    size_t count;
    gid_t groups[KEPT_GROUPS];
} kept[KEPT];

static const char *value_of(const char *text, const char *key) {
    const char *line = strstr(text, key);
    return line ? line + strlen(key) : NULL;
}

static uint64_t mask_of(const char *text, const char *key) {
    const char *value = value_of(text, key);
    return value ? strtoull(value, NULL, 16) : 0;
}

static size_t parse_groups(const char *at, gid_t *groups, size_t size) {
    size_t count = 0;
    for (char *end; at && count < size; at = end) {
        unsigned long gid = strtoul(at, &end, 10);
        if (end == at || memchr(at, '\n', (size_t)(end - at))) break;
        groups[count++] = (gid_t)gid;
    }
    return count;
}

static bool is_in_our_namespace(pid_t tid) {
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)tid);
    return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static bool is_mapped(pid_t tid, const char *map, uint32_t id) {
    char text[16384];
    unsigned inside, outside, count;
    int length;
    if (read_proc_apart(text, sizeof text, tid, map) <= 0) return false;
    for (const char *at = text; sscanf(at, "%u %u %u%n", &inside, &outside, &count, &length) == 3; at += length)
        if (id >= outside && id - outside < count) return true;
    return false;
}

/* The kernel has looked, but by the attributes that it knew, which may be old. */
bool rights_reach(pid_t tid, int fd) {
    struct statx stx;
    return !stat_fd(fd, &stx) && is_mapped(tid, "uid_map", stx.stx_uid) && is_mapped(tid, "gid_map", stx.stx_gid);
}

/* Returns whether what was found can be kept for a moment. */
static bool look(pid_t tid, struct rights *rights) {
    char status[16384];
    rights->group_count = rights->capabilities = 0;
    rights->is_elsewhere = false;
    if (tid <= 0 || read_proc_apart(status, sizeof status, tid, "status") <= 0) return false;
    rights->group_count = parse_groups(value_of(status, "\nGroups:"), rights->groups, MAX_GROUPS);
    rights->capabilities = (uint32_t)mask_of(status, "\nCapEff:") & ON_FILES;
    rights->is_elsewhere = rights->capabilities && !is_in_our_namespace(tid);
    /* Not every kernel asks whether setgid may be kept there: that is left to the filesystem below. */
    if (rights->is_elsewhere) rights->capabilities &= ~CAP_TO_MASK(CAP_FSETID);
    return !mask_of(status, "\nCapPrm:");
}

static bool has_none(pid_t tid) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = tid};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    return !syscall(SYS_capget, &header, sets) && !sets[0].permitted && !sets[1].permitted;
}

void rights_read(pid_t tid, struct rights *rights) { look(tid, rights); }

void rights_of(pid_t tid, uid_t uid, gid_t gid, struct rights *rights) {
    struct timespec now;
    struct kept *one = &kept[(unsigned)tid % KEPT];
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (one->tid == tid && one->uid == uid && one->gid == gid && now.tv_sec < one->until && has_none(tid)) {
        rights->capabilities = 0;
        rights->is_elsewhere = false;
        rights->group_count = one->count;
        memcpy(rights->groups, one->groups, one->count * sizeof *one->groups);
        return;
    }
    one->until = 0;
    if (!look(tid, rights) || rights->group_count > KEPT_GROUPS) return;
    *one = (struct kept){.tid = tid, .uid = uid, .gid = gid, .until = now.tv_sec + KEPT_S, .count = rights->group_count};
    memcpy(one->groups, rights->groups, rights->group_count * sizeof *rights->groups);
}
