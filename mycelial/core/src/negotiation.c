/* What is asked of the kernel when the session begins.
 *
 * libfuse knows the capabilities of its own time: one of 2022 cannot ask for kernel passthrough, which the kernel has
 * had since 2024. So the request and the answer of INIT are looked at here as they are in the protocol. libfuse writes
 * its answer to the device, by number; for that one request a pipe stands under this number.
 */
#include "negotiation.h"
#include "configuration.h"
#include "libfuse.h"
#include "passthrough.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define WANTED                                                                                                         \
    (INIT_DONT_MASK             /* a default ACL overrides the umask: only the source knows */                        \
     | INIT_PARALLEL_DIROPS     /* lookups in one directory need not wait for one another */                          \
     | INIT_CACHE_SYMLINKS)

static void negotiate(const struct init_request *asked, struct init_reply *reply) {
    negotiated.minor = asked->minor;
    negotiated.offered = asked->flags;
    if (asked->flags & INIT_EXT) negotiated.offered |= (uint64_t)asked->flags2 << 32;
    negotiated.agreed = (reply->flags | (uint64_t)reply->flags2 << 32) | (WANTED & negotiated.offered);
    /* Who writes or changes the owner loses setuid and setgid below, in his own name: this spares a getxattr a write. */
    negotiated.agreed |= negotiated.offered & INIT_HANDLE_KILLPRIV_V2 ? INIT_HANDLE_KILLPRIV_V2
                                                                      : negotiated.offered & INIT_HANDLE_KILLPRIV;
    if (configuration.writeback) negotiated.agreed |= negotiated.offered & INIT_WRITEBACK_CACHE;
    if (passthrough_wanted() && negotiated.offered & INIT_PASSTHROUGH) {
        negotiated.agreed |= INIT_PASSTHROUGH | INIT_EXT;
        reply->max_stack_depth = 1; /* the source is not stacked itself */
        passthrough_begin();
    }
    reply->flags = (uint32_t)negotiated.agreed;
    reply->flags2 = (uint32_t)(negotiated.agreed >> 32);
}

bool negotiation_process(struct fuse_session *se, const struct fuse_buf *request) {
    struct {
        struct fuse_out_header header;
        struct init_reply body;
    } reply;
    int device = libfuse_device(se), ends[2];
    const struct fuse_in_header *header = request->mem;
    if (header->opcode != FUSE_INIT || header->len < sizeof *header + offsetof(struct init_request, flags2)) return false;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) return false;
    int kept = fcntl(device, F_DUPFD_CLOEXEC, 0);
    bool caught = kept >= 0 && dup3(ends[1], device, O_CLOEXEC) >= 0;
    if (caught) {
        fuse_session_process_buf(se, request);
        ssize_t size = read(ends[0], &reply, sizeof reply);
        dup3(kept, device, O_CLOEXEC);
        if (size == (ssize_t)sizeof reply && !reply.header.error)
            negotiate((const struct init_request *)(header + 1), &reply.body);
        if (size > 0 && write(device, &reply, (size_t)size) < 0) fuse_session_exit(se);
    }
    if (kept >= 0) close(kept);
    close(ends[0]);
    close(ends[1]);
    return caught;
}
