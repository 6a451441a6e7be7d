/* reader.c: the thread that reads the device. */
#ifndef MYCELIAL_READER_H
#define MYCELIAL_READER_H

#include "base.h"

struct session_figures {
    unsigned long requests, for_python;
};

int reader_init(void);
int reader_start(struct fuse_session *se); /* with the GIL held; 0 or an error's number */
void reader_stop(void);
struct session_figures reader_figures(void);

#endif
