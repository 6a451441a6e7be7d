/* What is read of processes, when /proc says anything at all: the real thing with its parts cut, mixed and repeated.
 *
 * What must hold: no reading past the end (the sanitizers see that), and what goes to the engine is whole records.
 */
#include "elsewhere.h"
#include "lineage.h"
#include "lock.h"
#include "placement.h"
#include "rights.h"
#include "ring.h"
#include "stat.h"

#include "dice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

int stat_fd(int fd, struct statx *stx) {
    *stx = (struct statx){.stx_uid = (uint32_t)fd, .stx_gid = (uint32_t)fd};
    return 0;
}
void core_leave(void) {}
void core_return(void) {}
bool core_is_left(void) { return false; }
_Thread_local jmp_buf core_way_back;
static struct seat asks;
_Thread_local struct seat *core_seat = &asks;
void placement_anywhere(void) {}

#define SEEDS 8
static struct {
    char text[8192];
    size_t size;
} seeds[SEEDS];
static const char *const SOURCES[SEEDS] = {"stat", "status", "cmdline", "comm", "cgroup", "fdinfo/0", "environ", "maps"};

/* Some text as /proc might have it, and as it never should. */
static size_t some_text(char *buffer, size_t room) {
    size_t size = 0;
    for (unsigned pieces = 1 + roll(4); pieces; pieces--) {
        unsigned which = roll(SEEDS + 3);
        if (which < SEEDS) {
            size_t from = roll(3) ? 0 : roll((uint32_t)seeds[which].size + 1), length = seeds[which].size - from;
            if (!roll(3)) length = roll((uint32_t)length + 1);
            if (length > room - size) length = room - size;
            memcpy(buffer + size, seeds[which].text + from, length);
            size += length;
        } else if (which == SEEDS) {
            static const char *const WORDS[] = {"\nGroups:\t1 2 3 4", "pipe:[99999999999999999999]", "/dev/fd/63", "0::/", "\nTgid:\t2",
                                                ") R 2 1 1 0", "flags:\t0100001", "(((((", " -1", "4294967296 "};
            size += (size_t)snprintf(buffer + size, room - size, "%s", WORDS[roll(10)]);
            if (size > room) size = room;
        } else {
            for (unsigned length = roll(which == SEEDS + 1 ? 30 : 5000); length && size < room; length--)
                buffer[size++] = (char)(which == SEEDS + 1 ? roll(256) : 'x');
        }
    }
    for (unsigned changes = roll(4); changes && size; changes--) buffer[roll((uint32_t)size)] = (char)roll(256);
    return size;
}

/* The linker sends the core's calls here (-Wl,--wrap=open and so on). */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    char text[16384];
    if (strncmp(path, "/proc/", 6) != 0) return __real_open(path, flags, 0);
    if (!roll(10)) return errno = ENOENT, -1;
    int fd = memfd_create("proc", MFD_CLOEXEC);
    size_t size = some_text(text, sizeof text);
    CHECK(fd >= 0 && write(fd, text, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}
ssize_t __wrap_readlink(const char *path, char *buffer, size_t size) {
    (void)path;
    if (!roll(8)) return errno = ENOENT, -1;
    if (roll(2)) {
        char text[64];
        size_t length = (size_t)snprintf(text, sizeof text, "pipe:[%u]", roll(12));
        memcpy(buffer, text, length < size ? length : size);
        return (ssize_t)(length < size ? length : size);
    }
    return (ssize_t)some_text(buffer, size);
}
int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest);
static uint64_t slept;
int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest) {
    (void)rest;
    slept += (uint64_t)pause->tv_sec * 1000000000u + (uint64_t)pause->tv_nsec;
    return 0;
}
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    slept += 20000;
    *now = (struct timespec){.tv_sec = (time_t)(slept / 1000000000u), .tv_nsec = (long)(slept % 1000000000u)};
    return 0;
}
size_t read_proc_elsewhere(pid_t pid, char *buffer, size_t size) {
    (void)pid;
    return roll(5) ? some_text(buffer, size - 1) : 0;
}

static void prepare(void) {
    char path[64];
    for (unsigned i = 0; i < SEEDS; i++) {
        snprintf(path, sizeof path, "/proc/self/%s", SOURCES[i]);
        int fd = __real_open(path, O_RDONLY);
        ssize_t got = fd < 0 ? 0 : read(fd, seeds[i].text, sizeof seeds[i].text);
        seeds[i].size = got > 0 ? (size_t)got : 0;
        if (fd >= 0) close(fd);
    }
    CHECK(seeds[0].size && !ring_init(true, 4 << 20));
    lineage_init(20);
}

/* Whole records, as mycelial/record/wire.py reads them, in messages whose numbers grow. */
static void check_messages(void) {
    const char *message;
    size_t size;
    for (uint64_t serial, latest = 0; (message = ring_peek(&size)); ring_pop())
        for (size_t at = 0; at < size;) {
            uint32_t length;
            uint16_t kind;
            CHECK(size - at >= 24);
            memcpy(&length, message + at, sizeof length);
            memcpy(&kind, message + at + 4, sizeof kind);
            CHECK(length >= 24 && length % 8 == 0 && length <= size - at);
            CHECK((kind == SERIAL) == (at == 0));
            if (at == 0) {
                CHECK(length == 32);
                memcpy(&serial, message + at + 24, sizeof serial);
                CHECK(serial > latest);
                latest = serial;
            }
            at += length;
        }
}

static void one_game(void) {
    static struct rights rights;
    char path[4096];
    for (unsigned turns = 1 + roll(12); turns; turns--) {
        pid_t pid = (pid_t)roll(30);
        switch (roll(10)) {
        case 0: lineage_number(pid); break;
        case 1: lineage_refresh_pipes(pid); break;
        case 2: {
            rights_of(pid, roll(2), roll(2), &rights);
            CHECK(rights.group_count <= MAX_GROUPS);
            rights_reach(pid, (int)roll(100000));
            break;
        }
        case 3: lineage_latest(pid); break;
        case 4: lineage_redirected(pid); break;
        case 5: lineage_announce_again(); break;
        case 6: {
            size_t size = some_text(path, sizeof path), to = some_text(path, 1 + roll(sizeof path - 1));
            ring_event(RENAME, 0, roll(50), 0, path, size < to ? size : to, path, to);
            break;
        }
        case 7: ring_send_again(); break;
        case 8: ring_stored(roll(1000)); break;
        case 9: ring_pop(); break;
        }
    }
    check_messages();
}
