/* configuration.c: what the daemon was asked for, and what the kernel agreed to. */
#ifndef MYCELIAL_CONFIGURATION_H
#define MYCELIAL_CONFIGURATION_H

#include "base.h"

struct configuration {
    double timeout; /* seconds for which the kernel may keep names and attributes */
    char view_dir[256];                 /* empty: no virtual tree */
    bool show_view_dir, passthrough;
    bool writeback; /* the kernel collects writes and hands them over later, in nobody's name */
};
extern struct configuration configuration;

/* Nobody else changes the source: what is not there and what a directory holds may be kept, too. */
static inline bool is_exclusive(void) { return configuration.timeout > 1; }

struct negotiated {
    uint32_t minor;           /* of the kernel's protocol */
    uint64_t offered, agreed; /* INIT_* flags, see protocol.h */
};
extern struct negotiated negotiated;

bool is_writeback(void); /* the kernel collects writes */

#endif
