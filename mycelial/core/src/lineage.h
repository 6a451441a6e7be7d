/* lineage.c: who a process is and where it comes from. */
#ifndef MYCELIAL_LINEAGE_H
#define MYCELIAL_LINEAGE_H

#include "base.h"

void lineage_init(unsigned max_processes);
uint32_t lineage_number(pid_t tid);        /* announces the process when it is new or changed */
uint32_t lineage_of_writer(pid_t tid);     /* as above, and looks where a shell's input leads */
uint32_t lineage_refresh_pipes(pid_t tid); /* that, and looks at its pipeline again */
uint32_t lineage_if_joined(pid_t tid);     /* of who does nothing that is recorded: only if he is somebody's neighbour */
void lineage_settle(pid_t tid);            /* looks again where a neighbour was only becoming its program */
uint32_t lineage_latest(pid_t tid);        /* what was announced last, without looking */
bool lineage_is_still(pid_t tid, uint32_t number); /* whether lineage_refresh_pipes() would say this, which may take long */
void lineage_redirected(pid_t tid);        /* its standard streams are as the program will have them that it becomes */
void lineage_announce_again(void);
void lineage_begin_anew(void); /* all that is known of processes is forgotten: who was looking at one will not go on */
void lineage_ignore(pid_t pid);
unsigned long lineage_reads(void);

#endif
