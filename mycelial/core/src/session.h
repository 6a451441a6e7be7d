/* The session as the Python module sees it. */
#ifndef MYCELIAL_SESSION_H
#define MYCELIAL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtual_forget {
    uint64_t ino, lookups;
};

struct session_figures {
    unsigned long requests, for_python;
};

void session_activate(void);
void session_deactivate(void);
int session_start(void); /* 0 or an error's number */
/* For a function that we put before one of libfuse's, which pyfuse3 then calls; and the one behind it. */
#define EXPORTED __attribute__((visibility("default"), used))
void *libfuse(const char *name, const char *version);
struct virtual_forget *session_take_forgets(size_t *count); /* to be freed */

/* ---- reader.c ---- */

int reader_init(void);
void reader_stop(void);
struct session_figures reader_figures(void);

#endif
