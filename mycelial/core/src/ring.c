/* Events on their way to the engine: a bounded queue of messages, each holding whole records.
 *
 * A record is written once, in the form in which the engine reads it (little endian, see mycelial/record/wire.py);
 * nobody touches it between. A moment after the first one Python is woken, which has what waits sent, so that what happens
 * within that moment travels together; it is Python, too, that waits for room in the socket.
 * When the engine does not keep up, records are dropped and their number is said at that place in the log. Where several
 * users may enter, those of whoever has as much waiting as there is room left: so there is always some for the next one.
 *
 * Messages are numbered, and one that was sent is kept until the engine has stored it: the successor of an engine that
 * was killed is sent it again, and knows from its number what the database has already.
 */
#include "ring.h"
#include "lock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_SIZE 65536 /* below what a Unix socket takes in one message */
#define HEADER_SIZE 24
#define MOMENT_MS 250 /* for which events are gathered */
#define UID_AT 12 /* in a record's header */
#define SHARES 256 /* of users with the same number modulo this; the owner is in none */
#define KEPT_BYTES (8u << 20) /* of what was sent; when more is not stored yet, the oldest is given up */

struct message {
    struct message *next;
    size_t size, room;
    uint64_t serial;
    bool again; /* was sent before: not counted among those that wait */
    char data[];
};

struct list {
    struct message *first, *last;
};

static struct {
    bool recording;
    struct list waiting, kept; /* the latter were sent, and are not stored yet */
    size_t messages, max_messages, kept_bytes;
    uint32_t owner, waiting_of[SHARES]; /* bytes; the owner may have them all */
    uint64_t last_serial, recorded, dropped, dropped_unsaid;
    int wake_fd, socket;
    bool woken; /* Python knows that something waits, or will in a moment */
} ring = {.wake_fd = -1, .socket = -1};

int ring_init(bool recording, size_t capacity) {
    ring.recording = recording;
    ring.max_messages = capacity / MESSAGE_SIZE + 1;
    ring.owner = geteuid();
    if (ring.wake_fd < 0) ring.wake_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return ring.wake_fd < 0 ? -1 : 0;
}

bool ring_recording(void) { return ring.recording; }
int ring_wake_fd(void) { return ring.wake_fd; }
uint64_t ring_dropped(void) { return ring.dropped; }
uint64_t ring_recorded(void) { return ring.recorded; }

static void append(struct list *list, struct message *message) {
    message->next = NULL;
    *(list->last ? &list->last->next : &list->first) = message;
    list->last = message;
}

static struct message *take_first(struct list *list) {
    struct message *message = list->first;
    if (message && !(list->first = message->next)) list->last = NULL;
    return message;
}

static char *put(char *at, const void *data, size_t size) {
    if (size) memcpy(at, data, size);
    return at + size;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Not at once: neither Python nor the engine shall compete with a short command. */
static void wake_python(void) {
    struct itimerspec soon = {.it_value = {.tv_nsec = MOMENT_MS * 1000000}};
    if (!ring.woken) ring.woken = timerfd_settime(ring.wake_fd, 0, &soon, NULL) == 0;
}

static size_t record_size(size_t payload) { return (HEADER_SIZE + payload + 7) & ~(size_t)7; }

static char *put_header(char *at, enum event_kind kind, unsigned flags, uint32_t process, uint32_t uid, size_t payload) {
    size_t size = record_size(payload);
    memset(at + size - 8, 0, 8); /* the padding */
    uint32_t size32 = (uint32_t)size;
    uint16_t kind16 = (uint16_t)kind, flags16 = (uint16_t)flags;
    uint64_t time = now_ns();
    at = put(at, &size32, 4);
    at = put(at, &kind16, 2);
    at = put(at, &flags16, 2);
    at = put(at, &process, 4);
    at = put(at, &uid, 4);
    return put(at, &time, 8);
}

static char *reserve(size_t size) {
    const size_t serial_size = record_size(sizeof ring.last_serial);
    struct message *message = ring.waiting.last;
    if (!message || message->size + size > message->room) {
        if (ring.messages >= ring.max_messages || serial_size + size > MESSAGE_SIZE) return NULL;
        if (!(message = malloc(sizeof *message + MESSAGE_SIZE))) return NULL;
        *message = (struct message){.room = MESSAGE_SIZE, .serial = ++ring.last_serial};
        append(&ring.waiting, message);
        ring.messages++;
        put(put_header(message->data, SERIAL, 0, PROCESS_UNKNOWN, 0, sizeof message->serial), &message->serial, sizeof message->serial);
        message->size = serial_size;
    }
    char *at = message->data + message->size;
    message->size += size;
    return at;
}

static uint32_t *waiting_of(uint32_t uid) { return uid == ring.owner ? NULL : &ring.waiting_of[uid % SHARES]; }

static bool has_his_share(uint32_t uid) {
    const uint32_t *has = waiting_of(uid);
    return has && *has && *has + ring.messages * MESSAGE_SIZE >= ring.max_messages * MESSAGE_SIZE;
}

static void give_back_shares(const struct message *message) {
    uint32_t size, uid, *share;
    for (size_t at = record_size(sizeof message->serial); at < message->size; at += size) {
        memcpy(&size, message->data + at, sizeof size);
        memcpy(&uid, message->data + at + UID_AT, sizeof uid);
        if ((share = waiting_of(uid))) *share -= size;
    }
}

static char *begin(enum event_kind kind, unsigned flags, uint32_t process, uint32_t uid, size_t payload) {
    uint32_t *share = waiting_of(uid);
    char *at = has_his_share(uid) ? NULL : reserve(record_size(payload));
    ring.recorded++;
    if (at) {
        if (share) *share += (uint32_t)record_size(payload);
        wake_python();
        return put_header(at, kind, flags, process, uid, payload);
    }
    ring.dropped++;
    ring.dropped_unsaid++;
    return NULL;
}

static void say_dropped(void) {
    if (!ring.dropped_unsaid) return;
    char *at = begin(DROPPED, 0, PROCESS_UNKNOWN, ring.owner, 8);
    if (!at) {
        ring.dropped--; /* that was this notice, not an event */
        ring.dropped_unsaid--;
        return;
    }
    put(at, &ring.dropped_unsaid, 8);
    ring.dropped_unsaid = 0;
}

/* Who asks need not be whose it is: a program can have its lineage belong to root. */
bool ring_process(uint32_t process, uint32_t uid, const void *payload, size_t size) {
    if (has_his_share(core_seat->uid)) return false;
    if (!has_his_share(uid)) say_dropped();
    char *at = begin(PROCESS, 0, process, uid, size);
    if (!at) return false;
    put(at, payload, size);
    return true;
}

void ring_event(enum event_kind kind, unsigned flags, uint32_t process, uint32_t uid, const char *path, size_t path_size,
                const char *to, size_t to_size) {
    if (process == PROCESS_IGNORED) return;
    if (!has_his_share(uid)) say_dropped();
    uint16_t sizes[2] = {(uint16_t)path_size, (uint16_t)to_size};
    char *at = begin(kind, flags, process, uid, sizeof sizes + path_size + to_size);
    if (!at) return;
    at = put(at, sizes, sizeof sizes);
    at = put(at, path, path_size);
    put(at, to, to_size);
}

void ring_deliver_to(int socket) { ring.socket = socket; }

bool ring_send(void) {
    uint64_t ignored;
    if (ring.woken) ring.woken = read(ring.wake_fd, &ignored, sizeof ignored) <= 0;
    while (ring.waiting.first &&
           send(ring.socket, ring.waiting.first->data, ring.waiting.first->size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        ring_pop();
    return !ring.waiting.first;
}

const void *ring_peek(size_t *size) {
    if (!ring.waiting.first) return NULL;
    *size = ring.waiting.first->size;
    return ring.waiting.first->data;
}

static void give_up_oldest(void) {
    struct message *message = take_first(&ring.kept);
    ring.kept_bytes -= message->size;
    free(message);
}

void ring_pop(void) {
    struct message *message = take_first(&ring.waiting), *smaller;
    if (!message) return;
    if (!message->again) {
        ring.messages--;
        give_back_shares(message);
    }
    message->again = true;
    message->room = message->size;
    if ((smaller = realloc(message, sizeof *message + message->size))) message = smaller;
    append(&ring.kept, message);
    ring.kept_bytes += message->size;
    while (ring.kept_bytes > KEPT_BYTES) give_up_oldest();
}

void ring_stored(uint64_t serial) {
    while (ring.kept.first && ring.kept.first->serial <= serial) give_up_oldest();
}

void ring_send_again(void) {
    if (!ring.kept.first) return;
    ring.kept.last->next = ring.waiting.first;
    ring.waiting.first = ring.kept.first;
    if (!ring.waiting.last) ring.waiting.last = ring.kept.last;
    ring.kept = (struct list){NULL, NULL};
    ring.kept_bytes = 0;
    wake_python();
}
