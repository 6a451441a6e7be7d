/* session.c: between pyfuse3 and libfuse. */
#ifndef MYCELIAL_SESSION_H
#define MYCELIAL_SESSION_H

#include "base.h"

void session_activate(void);
void session_deactivate(void);
int session_start(void); /* 0 or an error's number */

#endif
