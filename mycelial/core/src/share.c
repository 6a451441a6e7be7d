/* How many of the daemon's descriptors each user takes.
 *
 * A file that is open on the mount is one that the daemon has open, and so is one without a name that somebody holds. Where
 * several users may enter, each has his share. It is the owner's daemon, and he may take them all. With the core.
 */
#include "share.h"

#include <stdlib.h>
#include <unistd.h>

static struct {
    struct user {
        uint32_t uid, count;
    } *users; /* who have any */
    size_t known, allocated;
    unsigned room, taken;
    uint32_t owner;
} shares;

void share_init(unsigned room) {
    shares.room = room;
    shares.owner = geteuid();
}

static struct user *user_of(uint32_t uid) {
    for (size_t i = 0; i < shares.known; i++)
        if (shares.users[i].uid == uid) return &shares.users[i];
    return NULL;
}

static struct user *new_user(uint32_t uid) {
    if (shares.known == shares.allocated) {
        size_t room = shares.allocated ? 2 * shares.allocated : 8;
        struct user *larger = realloc(shares.users, room * sizeof *larger);
        if (!larger) return NULL;
        shares.users = larger;
        shares.allocated = room;
    }
    shares.users[shares.known] = (struct user){.uid = uid};
    return &shares.users[shares.known++];
}

bool share_take(uint32_t uid) {
    struct user *user = user_of(uid);
    if (!user && !(user = new_user(uid))) return false;
    if (uid != shares.owner && share_is_taken(user->count, shares.taken, shares.room)) return false;
    user->count++;
    shares.taken++;
    return true;
}

void share_give(uint32_t uid) {
    struct user *user = user_of(uid);
    shares.taken--;
    if (!--user->count) *user = shares.users[--shares.known];
}
