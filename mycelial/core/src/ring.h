/* ring.c: events on their way to the engine. */
#ifndef MYCELIAL_RING_H
#define MYCELIAL_RING_H

#include "base.h"

enum event_kind { PROCESS = 1, OPEN, EXEC, CREATE, WRITE, RENAME, LINK, UNLINK, DROPPED, READ, SERIAL = 13 };
enum event_flag { EVENT_TRUNCATED = 1, EVENT_DIRECTORY = 2 };
#define PROCESS_UNKNOWN 0u
#define PROCESS_IGNORED UINT32_MAX

int ring_init(bool recording, size_t capacity);
bool ring_recording(void);
void ring_event(enum event_kind kind, unsigned flags, uint32_t process, uint32_t uid, const char *path, size_t path_size,
                const char *to, size_t to_size);
bool ring_process(uint32_t process, uint32_t uid, const void *payload, size_t size); /* false: there was no room */
void ring_deliver_to(int socket);
bool ring_send(void); /* as much as the socket takes; whether that was all */
const void *ring_peek(size_t *size); /* the oldest message, or NULL */
void ring_pop(void);                 /* it was sent */
void ring_stored(uint64_t serial);   /* up to this message the engine needs nothing again */
void ring_send_again(void);          /* there is a new engine, which has nothing of what was not stored */
int ring_wake_fd(void); /* readable when something has waited for a moment since it was sent last */
uint64_t ring_dropped(void);
uint64_t ring_recorded(void); /* how much was to be told so far */

#endif
