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
void session_hold(int change); /* Python work is under way: do not sleep in C */
const struct session_figures *session_figures(void);
const struct virtual_forget *session_forgets(size_t *count);
void session_forgets_taken(void);

#endif
