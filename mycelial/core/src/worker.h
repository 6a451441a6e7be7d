/* worker.c: threads for what may take long. */
#ifndef MYCELIAL_WORKER_H
#define MYCELIAL_WORKER_H

#include "base.h"

struct handle;

struct job {
    struct job *next;
    void (*run)(const struct job *job); /* on another thread, without the core; it answers the request */
    dev_t dev; /* the filesystem that may be waited for */
    uint32_t uid; /* for whom, where nobody asked */
    fuse_req_t req; /* or NULL: nobody asked for it */
    struct handle *handle; /* of a read */
    void *data; /* to be written; the job's own */
    int fd, fd_out;
    off_t off, off_out;
    size_t size, done;
    bool data_only, close_it, as_caller;
};
void worker_init(void);
void worker_shutdown(void);
bool worker_is_left_behind(void); /* one that waited too long for its disk then: it answers when it is back */
void worker_submit(struct job job); /* of the kind that the operations make; not while acting as the caller */
void worker_close(dev_t dev, uint32_t uid, int fd); /* the last that holds a large file without a name, maybe: its room is given back then */

#endif
