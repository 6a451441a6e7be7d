/* Open directories of the virtual tree. Python makes the listing once, when the directory is opened; what the kernel asks
 * for then needs no thinking and is answered here, in the form in which the listing is kept: that of the protocol.
 * The position of an entry is where it begins.
 */
#include "listing.h"
#include "virtual.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct virtual_listing {
    size_t size, room;
    size_t told; /* bytes handed out: the kernel knows the inodes of these entries */
    char *data;
};

struct virtual_listing *listing_new(void) { return calloc(1, sizeof(struct virtual_listing)); }

bool listing_add(struct virtual_listing *listing, const char *name, const struct fuse_entry_param *entry) {
    size_t size = fuse_add_direntry_plus(NULL, NULL, 0, name, entry, 0);
    if (listing->size + size > listing->room) {
        size_t room = 2 * (listing->size + size);
        char *larger = realloc(listing->data, room);
        if (!larger) return false;
        listing->data = larger;
        listing->room = room;
    }
    size_t next = listing->size + size;
    fuse_add_direntry_plus(NULL, listing->data + listing->size, size, name, entry, (off_t)next);
    listing->size = next;
    return true;
}

void listing_free(struct virtual_listing *listing) {
    free(listing->data);
    free(listing);
}

static struct fuse_direntplus *entry_at(char *data) { return (struct fuse_direntplus *)(void *)data; }
static size_t size_at(char *data) { return FUSE_DIRENTPLUS_SIZE(entry_at(data)); }

static struct virtual_listing *listing_of(const struct fuse_file_info *fi) {
    return (struct virtual_listing *)(uintptr_t)fi->fh;
}

void virtual_readdirplus(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi) {
    struct virtual_listing *listing = listing_of(fi);
    size_t begin = 0, end;
    while (begin < listing->size && begin < (size_t)off) /* somebody may seek to where no entry begins */
        begin += size_at(listing->data + begin);
    for (end = begin; end < listing->size; end += size_at(listing->data + end))
        if (end + size_at(listing->data + end) - begin > size) break;
    char *answer = malloc(end - begin + 1);
    if (!answer) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    if (begin < end) memcpy(answer, listing->data + begin, end - begin);
    for (size_t at = begin; at < end && at < listing->told; at += size_at(listing->data + at))
        entry_at(answer + at - begin)->entry_out.nodeid = 0; /* told once; the kernel would count it again */
    if (fuse_reply_buf(req, answer, end - begin) == 0 && end > listing->told) listing->told = end;
    free(answer);
}

void virtual_releasedir(fuse_req_t req, struct fuse_file_info *fi) {
    struct virtual_listing *listing = listing_of(fi);
    for (size_t at = 0; at < listing->size; at += size_at(listing->data + at)) {
        uint64_t ino = entry_at(listing->data + at)->entry_out.nodeid;
        if (ino && at >= listing->told) forget_virtual(ino, 1);
    }
    listing_free(listing);
    fuse_reply_err(req, 0);
}
