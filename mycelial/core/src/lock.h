/* lock.c: the core, which one thread holds at a time. */
#ifndef MYCELIAL_LOCK_H
#define MYCELIAL_LOCK_H

#include "base.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>

struct seat { /* of a thread that holds the core, and may leave it */
    pthread_t thread;
    atomic_int tid;
    atomic_ullong since_us; /* when it left the core, by now_us(); 0: it has not */
    atomic_bool looks;      /* at a process, in the middle of its table */
    atomic_bool lost;       /* did not come back from that, or from a disk; another thread has its place, and the tables */
    bool waited;            /* when that was so, for a disk */
    atomic_bool waits;      /* for a request, or the timer: a signal interrupts nothing else */
    atomic_bool stopped;
    bool shares_umask;    /* with all other threads: it is set and used with the core */
    bool looks_at_nobody; /* at no process: only one thread may at a time */
    uint32_t uid;      /* of the user whose request it answers */
    uint32_t lost_for; /* that user, when it was lost */
};
#define LOST_AT_MOST 64
#define LOST_BY_ONE_USER 8 /* by looking at processes for him: he can have them kept for as long as he likes */
extern _Thread_local struct seat *core_seat; /* this thread's */

/* Changed under the lock. */
extern struct core_seats {
    struct seat *reader, *stand_in;
    struct seat *asks_again; /* for what was postponed */
    bool closed; /* the session ends: who is lost shall not come back */
    struct seat *lost[LOST_AT_MOST + 3]; /* at the end three more */
    unsigned lost_count;
} core_seats;

int core_init(void);  /* 0 or an error's number */
void core_lock(void); /* held while a request is answered here */
void core_unlock(void);
void core_leave(void); /* to look at a process, which may wait for another that waits for us */
void core_leave_for_disk(void);
void core_return(void);
unsigned long core_turn(void); /* how often somebody took the core, or came back to it; with the core */
bool core_is_left(void); /* by another thread, which looks at a process, or by many for this user: this one must not look */
bool core_has_share(uint32_t uid); /* whether as many are lost for this user as may be */
_Noreturn void core_stay_away(void); /* for a thread that is lost, when the session is closed */

/* Where a thread goes on (setjmp) that was given up while it looked at a process. */
extern _Thread_local jmp_buf core_way_back;

/* For the stand-in: a descriptor, readable some time after the reader has left. */
int core_timer(void);
bool core_take_timer(void); /* whether it was that */
void core_set_timer(void);  /* to be told once more */

#endif
