/* Requests for Python: pyfuse3's loop sleeps on an eventfd where it believes to have the device. */
#include "queue.h"
#include "statx.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct request {
    struct request *next;
    void *mem;
    size_t size;
};

static struct {
    pthread_mutex_t lock;
    struct request *first, **last;
    int result; /* what pyfuse3 is told at the end: 0 or -errno */
    bool at_end;
    int wake_fd; /* one to be read for each request in the queue, and one for the end */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake_fd = -1};

int queue_init(void) {
    queue.first = NULL;
    queue.last = &queue.first;
    queue.at_end = false;
    if (queue.wake_fd < 0) queue.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
    return queue.wake_fd < 0 ? errno : 0;
}

int queue_fd(void) { return queue.wake_fd; }

static void wake_python(void) {
    uint64_t one = 1;
    while (write(queue.wake_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

bool queue_put(const struct fuse_buf *buffer) {
    struct request *request = malloc(sizeof *request);
    void *mem = malloc(buffer->size);
    if (!request || !mem) {
        free(request);
        free(mem);
        return false;
    }
    memcpy(mem, buffer->mem, buffer->size);
    *request = (struct request){NULL, mem, buffer->size};
    pthread_mutex_lock(&queue.lock);
    *queue.last = request;
    queue.last = &request->next;
    pthread_mutex_unlock(&queue.lock);
    wake_python();
    return true;
}

int queue_take(struct fuse_buf *buffer) {
    uint64_t one;
    pthread_mutex_lock(&queue.lock);
    struct request *request = queue.first;
    if (request && !(queue.first = request->next)) queue.last = &queue.first;
    bool at_end = queue.at_end;
    pthread_mutex_unlock(&queue.lock);
    if (!request) return at_end ? queue.result : -EINTR;
    if (read(queue.wake_fd, &one, sizeof one) < 0) { /* is done by the next one */
    }
    free(buffer->mem);
    buffer->mem = request->mem;
    buffer->size = request->size;
    buffer->flags = 0;
    free(request);
    statx_as_getattr(buffer);
    return (int)buffer->size;
}

void queue_end(int result) {
    pthread_mutex_lock(&queue.lock);
    queue.result = result;
    queue.at_end = true;
    pthread_mutex_unlock(&queue.lock);
    wake_python();
}
