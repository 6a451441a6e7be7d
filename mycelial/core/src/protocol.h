/* What the kernel's protocol has that libfuse's or the system's headers may be too old to name (linux/fuse.h). */
#ifndef MYCELIAL_PROTOCOL_H
#define MYCELIAL_PROTOCOL_H

#include <stdint.h>

#define OPCODE_TMPFILE 51
#define OPCODE_STATX 52

static inline void split_seconds(double seconds, uint64_t *whole, uint32_t *nanoseconds) {
    *whole = (uint64_t)seconds;
    *nanoseconds = (uint32_t)((seconds - (double)*whole) * 1e9);
}

/* Flags of INIT, the second word's too. */
#define INIT_DONT_MASK (1ULL << 6)
#define INIT_AUTO_INVAL_DATA (1ULL << 12)
#define INIT_WRITEBACK_CACHE (1ULL << 16)
#define INIT_PARALLEL_DIROPS (1ULL << 18)
#define INIT_HANDLE_KILLPRIV (1ULL << 19)
#define INIT_CACHE_SYMLINKS (1ULL << 23)
#define INIT_NO_OPENDIR_SUPPORT (1ULL << 24)
#define INIT_HANDLE_KILLPRIV_V2 (1ULL << 28)
#define INIT_EXT (1ULL << 30)
#define INIT_DIRECT_IO_ALLOW_MMAP (1ULL << 36)
#define INIT_PASSTHROUGH (1ULL << 37)

struct init_request {
    uint32_t major, minor, max_readahead, flags;
    uint32_t flags2, unused[11]; /* since Linux 5.17; there if flags has INIT_EXT */
};

struct init_reply {
    uint32_t major, minor, max_readahead, flags;
    uint16_t max_background, congestion_threshold;
    uint32_t max_write, time_granularity;
    uint16_t max_pages, map_alignment;
    uint32_t flags2, max_stack_depth, unused[6];
};

/* Flags of the answer to OPEN and CREATE. */
#define OPEN_DIRECT_IO (1u << 0)
#define OPEN_KEEP_CACHE (1u << 1)
#define OPEN_NOFLUSH (1u << 5)
#define OPEN_PASSTHROUGH (1u << 7)

struct open_reply {
    uint64_t handle;
    uint32_t flags;
    int32_t backing_id;
};

/* What the kernel is told unasked. Since Linux 6.18: let go of what nobody uses of these inodes, whose numbers follow. */
#define NOTIFY_PRUNE 9

struct prune_notice {
    uint32_t count, padding;
    uint64_t spare;
};

struct backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};
#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

#endif
