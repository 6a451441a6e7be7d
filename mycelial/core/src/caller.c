/* Acting with the rights of the process that asks.
 *
 * The kernel has checked the permissions (default_permissions is always on); what remains is that a new file belongs
 * to its maker, that setuid and setgid are cleared as they would be, and that quotas and ACLs apply. A daemon that
 * runs as root therefore takes on the caller's filesystem ids for the one system call. glibc's setgroups() changes
 * every thread of the process, the raw system calls change this thread alone.
 */
#include "caller.h"
#include "rights.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    bool can_switch; /* the daemon is root */
    gid_t own_groups[MAX_GROUPS];
    int own_group_count;
} caller;

static _Thread_local bool as_user, with_groups; /* as what this thread acts now */

static void change_capabilities(uint32_t more, uint32_t less) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, sets)) return;
    sets[0].effective = (sets[0].effective | (more & sets[0].permitted)) & ~less;
    syscall(SYS_capset, &header, sets);
}

void caller_init(void) {
    caller.can_switch = geteuid() == 0;
    /* Filesystem ids leave this one capability in force, which lets root exceed quotas and use reserved blocks. The
     * worker's threads inherit the loss. */
    if (caller.can_switch) change_capabilities(0, CAP_TO_MASK(CAP_SYS_RESOURCE));
    caller.own_group_count = getgroups(MAX_GROUPS, caller.own_groups);
    if (caller.own_group_count < 0) caller.own_group_count = 0;
    umask(0); /* each creation sets the caller's own */
}

void caller_set(uid_t uid, gid_t gid, const gid_t *groups, size_t count) {
    if (groups) syscall(SYS_setgroups, count, groups);
    setfsgid(gid);
    setfsuid(uid); /* leaving 0 also drops the capabilities that override file permissions, and 0 brings them back */
}

void caller_become_user(fuse_req_t req) {
    const struct fuse_ctx *context = fuse_req_ctx(req);
    if (!caller.can_switch || context->uid == 0) return;
    caller_set(context->uid, context->gid, NULL, 0);
    as_user = true;
}

void caller_become(fuse_req_t req, int fd, int other) {
    const struct fuse_ctx *context = fuse_req_ctx(req);
    umask(context->umask);
    if (!caller.can_switch || (context->uid == 0 && context->gid == 0)) return;
    struct rights rights;
    rights_of(context->pid, context->uid, context->gid, &rights);
    bool reach = !rights.is_elsewhere || (rights_reach(context->pid, fd) && (other < 0 || rights_reach(context->pid, other)));
    caller_set(context->uid, context->gid, rights.groups, rights.group_count);
    if (context->uid && rights.capabilities && reach) change_capabilities(rights.capabilities, 0);
    as_user = with_groups = true;
}

void caller_may_make_devices(void) {
    if (as_user) change_capabilities(CAP_TO_MASK(CAP_MKNOD), 0);
}

bool caller_is_in_group(fuse_req_t req, gid_t gid) {
    const struct fuse_ctx *context = fuse_req_ctx(req);
    struct rights rights;
    if (context->uid == 0 || context->gid == gid) return true;
    rights_of(context->pid, context->uid, context->gid, &rights);
    for (size_t i = rights.group_count; i; i--)
        if (rights.groups[i - 1] == gid) return true;
    return false;
}

void caller_restore(void) {
    if (!as_user) return;
    setfsuid(0);
    setfsgid(0);
    if (with_groups) syscall(SYS_setgroups, (size_t)caller.own_group_count, caller.own_groups);
    as_user = with_groups = false;
}
