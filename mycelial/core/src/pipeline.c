/* The pipes that join a process to its neighbours.
 *
 * A filter between two programs may touch no file of ours, so that we never hear of it: the siblings are looked at
 * too, and where the pipe is a parent's as well, that parent's siblings. A shell starts the programs of a pipeline one
 * after the other, and the first may open its input before the last is there; so the process waits for our answer until
 * both ends of its pipeline are known or nobody is left who could still take them up (`starting.c`). Many pipes lead
 * elsewhere (to a program that reads its child's output): each is waited for once, and the more often that was in vain
 * lately, the shorter. What was found stays found: a program may close its input before it writes, and a filter may be
 * gone by then.
 *
 * How a file was made is a matter of all commands of its pipeline, so their command lines are kept, too. A shell's
 * child is its copy for a moment before it becomes the program: that is waited for once, and shortly, too.
 */
#include "pipeline.h"
#include "elsewhere.h"
#include "proc.h"
#include "processes.h"
#include "starting.h"
#include "watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SIBLINGS 64
#define MAX_DEPTH 32 /* of children that share a pipe: everybody waits while they are looked through */
#define REMEMBERED 128
#define COMMAND_SIZE 2048 /* bytes of a neighbour's command line */
#define EXEC_RUNS_US 10000 /* of a processor, in which a shell's child becomes the program */
#define HIGHEST_NAMED 63   /* descriptors that bash gives by name, the first and downwards */
#define START_RUNS_US 10000 /* in which a shell starts its programs; halved for each time in vain */
#define WAIT_US 150000     /* at most, whoever had a processor; halved likewise */
#define FORGIVE_US 1000000 /* after which one time in vain is forgotten */
#define PAUSE_NS 50000     /* at first; longer each time */
#define LONGEST_PAUSE_NS 1000000

struct sibling {
    uint64_t in, out;
    pid_t pid, shell;     /* and its parent */
    bool watched;         /* while it was the copy of its shell */
    bool waited;          /* long enough for it to become the program, or it does something itself */
    bool settled;         /* nothing more will be known of it */
    uint16_t about_size;  /* 0: not known */
    char *about;          /* its number, its standard streams and its command line, each with a NUL */
};

/* Siblings seen lately, which may be gone, and pipes whose other end was waited for in vain. */
static struct {
    struct sibling siblings[REMEMBERED];
    uint64_t elsewhere[REMEMBERED];
    unsigned next_sibling, next_elsewhere;
    unsigned in_vain;
    uint64_t in_vain_us; /* when it was last */
} memory;

void pipeline_forget_all(void) {
    for (unsigned i = 0; i < REMEMBERED; i++) free(memory.siblings[i].about);
    memset(&memory, 0, sizeof memory);
}

static uint64_t pipe_called(const char *target) {
    return strncmp(target, "pipe:[", 6) == 0 ? strtoull(target + 6, NULL, 10) : 0;
}

static uint64_t pipe_of(pid_t pid, const char *fd) {
    char target[64];
    size_t size = read_proc_link(target, sizeof target - 1, pid, fd);
    target[size] = '\0';
    return pipe_called(target);
}

static bool has_pipe(const struct pipes *pipes, uint64_t inode) {
    for (unsigned i = 0; i < pipes->count; i++)
        if (pipes->inodes[i] == inode) return true;
    return false;
}

static bool add_pipe(struct pipes *pipes, uint64_t inode) {
    if (!inode || pipes->count == MAX_PIPES || has_pipe(pipes, inode)) return false;
    pipes->inodes[pipes->count++] = inode;
    return true;
}

/* The pipe on the process's own input or output: another one than before begins anew. */
static bool set_first(struct pipes *pipes, uint64_t inode) {
    if (!inode || (pipes->count && pipes->inodes[0] == inode)) return false;
    pipes->count = 1;
    pipes->inodes[0] = inode;
    return true;
}

static void remember_sibling(struct sibling sibling) {
    for (unsigned i = 0; i < REMEMBERED; i++) {
        const struct sibling *known = &memory.siblings[i];
        if (known->pid == sibling.pid && known->in == sibling.in && known->out == sibling.out) return;
    }
    struct sibling *oldest = &memory.siblings[memory.next_sibling++ % REMEMBERED];
    free(oldest->about);
    *oldest = sibling;
}

static bool is_elsewhere(uint64_t pipe) {
    for (unsigned i = 0; i < REMEMBERED; i++)
        if (memory.elsewhere[i] == pipe) return true;
    return false;
}

static void remember_elsewhere(uint64_t pipe) {
    if (pipe && !is_elsewhere(pipe)) memory.elsewhere[memory.next_elsewhere++ % REMEMBERED] = pipe;
}

/* The program of the pipeline: a child writes into the pipe that it inherited. */
static pid_t program_of(pid_t pid, const char *fd, uint64_t pipe) {
    pid_t parent = process_parent(pid);
    for (unsigned depth = 0; depth < MAX_DEPTH && parent > 1 && pipe_of(parent, fd) == pipe; depth++) {
        pid = parent;
        parent = process_parent(pid);
    }
    return pid;
}

static unsigned read_siblings(pid_t pid, struct sibling *siblings) {
    char children[8192];
    unsigned count = 0;
    pid_t ppid = process_parent(pid);
    if (read_proc(children, sizeof children, "/proc/%d/task/%d/children", (int)ppid, (int)ppid) <= 0) return 0;
    for (char *at = children, *end; count < MAX_SIBLINGS; at = end) {
        pid_t sibling = (pid_t)strtol(at, &end, 10);
        if (end == at) break;
        if (sibling == pid) continue;
        siblings[count] = (struct sibling){
            .in = pipe_of(sibling, "fd/0"), .out = pipe_of(sibling, "fd/1"), .pid = sibling, .shell = ppid};
        if (!siblings[count].in && !siblings[count].out) continue;
        remember_sibling(siblings[count++]);
    }
    return count;
}

static bool grow(struct pipeline *pipeline) {
    bool any = false;
    for (bool grown = true; grown; any |= grown) {
        grown = false;
        for (unsigned i = 0; i < REMEMBERED; i++) {
            const struct sibling *filter = &memory.siblings[i];
            if (filter->out && has_pipe(&pipeline->in, filter->out)) grown |= add_pipe(&pipeline->in, filter->in);
            if (filter->in && has_pipe(&pipeline->out, filter->in)) grown |= add_pipe(&pipeline->out, filter->out);
        }
    }
    return any;
}

/* Whether both far ends are known: somebody writes the last pipe of the input, somebody reads the last of the output. */
static bool is_complete(const struct pipeline *pipeline, const struct sibling *siblings, unsigned count) {
    uint64_t in = pipeline->in.count ? pipeline->in.inodes[pipeline->in.count - 1] : 0;
    uint64_t out = pipeline->out.count ? pipeline->out.inodes[pipeline->out.count - 1] : 0;
    bool written = !in || is_elsewhere(in), read = !out || is_elsewhere(out);
    for (unsigned i = 0; i < count; i++) {
        written |= siblings[i].out == in;
        read |= siblings[i].in == out;
    }
    return written && read;
}

static void give_up(const struct pipes *pipes) {
    if (pipes->count) remember_elsewhere(pipes->inodes[pipes->count - 1]);
}

/* ---- what the neighbours are ---------------------------------------------------------------------------------------- */

static bool is_neighbour(const struct pipeline *pipeline, const struct sibling *sibling) {
    return (sibling->out && has_pipe(&pipeline->in, sibling->out)) || (sibling->in && has_pipe(&pipeline->out, sibling->in));
}

static size_t append_stream(char *about, size_t size, size_t room, const struct sibling *sibling, int fd) {
    char name[16];
    const uint64_t known = fd == 0 ? sibling->in : fd == 1 ? sibling->out : 0;
    snprintf(name, sizeof name, "fd/%d", fd);
    size_t got = read_proc_link(about + size, room - size - 1, sibling->pid, name);
    if (!got && known) got = (size_t)snprintf(about + size, 32, "pipe:[%llu]", (unsigned long long)known); /* as it was */
    about[size + got] = '\0';
    return size + got + 1;
}

/* Pipes that a program is given by name, as by a shell's <( ) and >( ), are inputs and outputs of it like its standard
 * ones. Whether the pipe that is looked for is one of them. */
static bool remember_named(struct sibling program, const char *line, size_t size, uint64_t wanted) {
    const char *end;
    char name[32];
    int fd;
    bool found = false;
    for (const char *at = line; at < line + size && (end = memchr(at, '\0', size - (size_t)(at - line))); at = end + 1) {
        if ((fd = proc_named(at)) < 0) continue;
        struct sibling named = program;
        snprintf(name, sizeof name, "fd/%d", fd);
        uint64_t pipe = pipe_of(program.pid, name);
        if (!pipe) continue;
        *(starting_mode(program.pid, fd) == O_WRONLY ? &named.out : &named.in) = pipe;
        found |= pipe == wanted;
        remember_sibling(named);
    }
    return found;
}

/* Those of a program that is gone. */
static void remember_what_was_named(struct sibling program) {
    struct named_pipe pipes[MOST_NAMED];
    unsigned count = watch_named(program.pid, pipes);
    for (unsigned i = 0; i < count; i++) {
        struct sibling named = program;
        *(pipes[i].written ? &named.out : &named.in) = pipes[i].inode;
        remember_sibling(named);
    }
}

/* The command line is read elsewhere, as it may hang on a page that only we can bring. False: the program is still to
 * come. A process has no command line at the end, and for a moment in the middle of becoming another program. */
static bool describe(struct sibling *sibling) {
    char line[COMMAND_SIZE], parent[COMMAND_SIZE], about[COMMAND_SIZE + 3 * 1024];
    size_t length = read_proc_elsewhere(sibling->pid, line, sizeof line);
    if (length && length == read_proc_elsewhere(sibling->shell, parent, sizeof parent) && !memcmp(line, parent, length)) {
        if (!sibling->watched) watch_child(sibling->pid, line, length);
        sibling->watched = true;
        return false;
    }
    bool gone = !length;
    if (gone) length = watch_command_line(sibling->pid, line, sizeof line);
    if (!length && starting_is_alive(sibling->pid)) return false;
    sibling->settled = true;
    if (!length) return true;
    if (gone)
        remember_what_was_named(*sibling);
    else
        remember_named(*sibling, line, length, 0);
    size_t size = (size_t)snprintf(about, 16, "%d", (int)sibling->pid) + 1;
    for (int fd = 0; fd < 3; fd++) size = append_stream(about, size, (size_t)(fd + 1) * 1024, sibling, fd);
    memcpy(about + size, line, length);
    size += length;
    sibling->about = malloc(size);
    if (!sibling->about) return true;
    memcpy(sibling->about, about, size);
    sibling->about_size = (uint16_t)size;
    return true;
}

static bool is_becoming(const struct sibling *copy, uint64_t waited_us) {
    return starting_is_moving(copy->pid, waited_us) && starting_ran_us(copy->pid, waited_us) < EXEC_RUNS_US;
}

/* Whether something may be known soon; *known counts what is. */
static bool describe_neighbours(const struct pipeline *pipeline, uint64_t waited_us, unsigned *known) {
    bool pending = false;
    *known = 0;
    for (unsigned i = 0; i < REMEMBERED; i++) {
        struct sibling *sibling = &memory.siblings[i];
        if (!sibling->pid || !is_neighbour(pipeline, sibling)) continue;
        if (!sibling->settled && !describe(sibling) && !sibling->waited) pending |= is_becoming(sibling, waited_us);
        *known += sibling->about_size > 0;
    }
    return pending;
}

/* Of what ended after it was looked at last, whosoever neighbour it was: what is done in >( ) may begin only now. */
static void describe_the_dead(void) {
    for (unsigned i = 0; i < REMEMBERED; i++) {
        struct sibling *sibling = &memory.siblings[i];
        if (sibling->pid && sibling->watched && !sibling->settled && !starting_is_alive(sibling->pid)) describe(sibling);
    }
}

/* Whether any of them is still to be described. */
static bool stop_waiting(const struct pipeline *pipeline) {
    bool unsettled = false;
    for (unsigned i = 0; i < REMEMBERED; i++) {
        struct sibling *sibling = &memory.siblings[i];
        if (!sibling->pid || sibling->settled || !is_neighbour(pipeline, sibling)) continue;
        unsettled = sibling->waited = true;
    }
    return unsettled;
}

/* What is given pipes by name is kept once for each. */
static bool is_told(const char *buffer, size_t size, const struct sibling *sibling) {
    uint16_t length;
    for (size_t at = 0; at < size; at += sizeof length + length) {
        memcpy(&length, buffer + at, sizeof length);
        if (length == sibling->about_size && !memcmp(buffer + at + sizeof length, sibling->about, length)) return true;
    }
    return false;
}

size_t pipeline_neighbours(const struct pipeline *pipeline, char *buffer, size_t room) {
    size_t size = 0;
    for (unsigned i = 0; i < REMEMBERED; i++) {
        const struct sibling *sibling = &memory.siblings[(memory.next_sibling + i) % REMEMBERED];
        if (!sibling->about_size || !is_neighbour(pipeline, sibling) || is_told(buffer, size, sibling)) continue;
        if (size + sizeof sibling->about_size + sibling->about_size > room) break;
        memcpy(buffer + size, &sibling->about_size, sizeof sibling->about_size);
        memcpy(buffer + size + sizeof sibling->about_size, sibling->about, sibling->about_size);
        size += sizeof sibling->about_size + sibling->about_size;
    }
    return size;
}

/* A pipe that a program is given by its name: a shell's <( ) and >( ). */
void pipeline_named(struct pipeline *pipeline, pid_t pid, int fd) {
    char name[32];
    snprintf(name, sizeof name, "fd/%d", fd);
    uint64_t inode = pipe_of(pid, name);
    int mode = inode ? starting_mode(pid, fd) : -1;
    if (mode >= 0) add_pipe(mode == O_RDONLY ? &pipeline->in : &pipeline->out, inode);
}

/* ---- who was given a pipe by name ------------------------------------------------------------------------------------ */

enum named { NOBODY, SOMEBODY_STARTING, FOUND };

static bool holds_named(pid_t pid, uint64_t pipe, int mode) {
    char name[16];
    for (int fd = HIGHEST_NAMED; fd > HIGHEST_NAMED - MOST_NAMED; fd--) {
        snprintf(name, sizeof name, "fd/%d", fd);
        uint64_t held = pipe_of(pid, name);
        if (held == pipe && starting_mode(pid, fd) == mode) return true;
        if (!held && fd == HIGHEST_NAMED) return false; /* the first one that a shell gives */
    }
    return false;
}

static enum named is_namer(pid_t pid, pid_t shell, uint64_t pipe, int mode, uint64_t waited_us) {
    char line[COMMAND_SIZE];
    if (!holds_named(pid, pipe, mode)) return NOBODY;
    struct sibling program = {.in = pipe_of(pid, "fd/0"), .out = pipe_of(pid, "fd/1"), .pid = pid, .shell = shell};
    if (remember_named(program, line, read_proc_elsewhere(pid, line, sizeof line), pipe)) return FOUND;
    return starting_is_moving(pid, waited_us) ? SOMEBODY_STARTING : NOBODY;
}

/* A shell's copy opens what is redirected before it becomes the program that is given pipes by name. What is done in one
 * >( ) has the pipes of those before it open, too, but does not write there. */
void pipeline_to_be_named(struct pipeline *pipeline, pid_t pid, pid_t shell) {
    char children[8192], name[16];
    uint64_t named[MOST_NAMED];
    unsigned count = 0;
    for (int fd = HIGHEST_NAMED; fd > HIGHEST_NAMED - MOST_NAMED; fd--) {
        snprintf(name, sizeof name, "fd/%d", fd);
        uint64_t pipe = pipe_of(pid, name);
        if (!pipe && fd == HIGHEST_NAMED) return;
        if (pipe && starting_mode(pid, fd) == O_WRONLY) named[count++] = pipe;
    }
    if (!count) return;
    uint64_t own = pipe_of(pid, "fd/0");
    if (own && holds_named(shell, own, O_WRONLY)) return;
    if (own && read_proc(children, sizeof children, "/proc/%d/task/%d/children", (int)shell, (int)shell) > 0)
        for (char *at = children, *end;; at = end) {
            pid_t child = (pid_t)strtol(at, &end, 10);
            if (end == at) break;
            if (child != pid && holds_named(child, own, O_WRONLY)) return;
        }
    for (unsigned i = 0; i < count; i++) add_pipe(&pipeline->out, named[i]);
}

/* Who writes into the input of what is done in >( ), or reads the output of what is done in <( ): the program that it is
 * for is its parent, or stands beside it. */
static enum named find_namer(pid_t pid, uint64_t pipe, int mode, uint64_t waited_us) {
    char children[8192];
    pid_t shell = process_parent(pid);
    enum named best = is_namer(shell, process_parent(shell), pipe, mode, waited_us);
    if (best == FOUND || read_proc(children, sizeof children, "/proc/%d/task/%d/children", (int)shell, (int)shell) <= 0) return best;
    for (char *at = children, *end; best != FOUND; at = end) {
        pid_t child = (pid_t)strtol(at, &end, 10);
        if (end == at) break;
        enum named found = child == pid ? NOBODY : is_namer(child, shell, pipe, mode, waited_us);
        if (found > best) best = found;
    }
    return best;
}

/* Who holds its other end, and has started it, will be given it or starts who is. */
static void take_for_namer(pid_t shell, uint64_t pipe, int mode) {
    if (!holds_named(shell, pipe, mode)) return;
    struct sibling program = {.in = pipe_of(shell, "fd/0"), .out = pipe_of(shell, "fd/1"), .pid = shell, .shell = process_parent(shell)};
    *(mode == O_WRONLY ? &program.out : &program.in) = pipe;
    remember_sibling(program);
}

/* ---- looking ---------------------------------------------------------------------------------------------------------- */

/* How often lately a wait was in vain. */
static unsigned disappointments(uint64_t now) {
    uint64_t forgiven = (now - memory.in_vain_us) / FORGIVE_US;
    memory.in_vain = forgiven < memory.in_vain ? memory.in_vain - (unsigned)forgiven : 0;
    memory.in_vain_us += forgiven * FORGIVE_US;
    return memory.in_vain;
}

/* One side of a pipeline: the shell that starts it, and what it starts. */
struct side {
    pid_t shell;
    int mode; /* of the far end */
    bool asked;
    uint64_t ran_us; /* the shell, when it was asked first */
    const struct pipes *pipes;
};

/* Whether somebody may still take up the far end. */
static bool may_be_taken(struct side *side, pid_t own, uint64_t waited_us, uint64_t patience_us) {
    char children[8192];
    uint64_t pipe = side->pipes->count ? side->pipes->inodes[side->pipes->count - 1] : 0;
    if (!pipe || is_elsewhere(pipe) || side->shell <= 1) return false;
    if (starting_is_busy(side->shell) && starting_holds(side->shell, pipe, side->mode)) {
        uint64_t ran = starting_ran_us(side->shell, waited_us);
        if (!side->asked) side->ran_us = ran;
        side->asked = true;
        if (ran - side->ran_us <= patience_us) return true;
    }
    if (read_proc(children, sizeof children, "/proc/%d/task/%d/children", (int)side->shell, (int)side->shell) <= 0) return false;
    for (char *at = children, *end;; at = end) {
        pid_t child = (pid_t)strtol(at, &end, 10);
        if (end == at) return false;
        if (child != own && starting_is_copy(child, side->shell, waited_us) && starting_ran_us(child, waited_us) < EXEC_RUNS_US &&
            starting_holds(child, pipe, side->mode))
            return true;
    }
}

static bool is_shell(pid_t pid) {
    const struct process *process = thread_of(pid);
    size_t length = process ? strlen(process->comm) : 0;
    return length >= 2 && !strcmp(process->comm + length - 2, "sh");
}

/* A filter that stood before in its pipeline, and has touched no file, may be gone, unseen: it read what its shell has as input. */
static void add_shells_input(struct pipeline *pipeline, pid_t shell, const struct sibling *siblings, unsigned count) {
    uint64_t far = pipeline->in.count ? pipeline->in.inodes[pipeline->in.count - 1] : 0;
    if (!far || shell <= 1 || !is_shell(shell) || starting_holds(shell, far, O_WRONLY)) return;
    for (unsigned i = 0; i < count; i++)
        if (siblings[i].out == far) return;
    uint64_t pipe = pipe_of(shell, "fd/0");
    if (!add_pipe(&pipeline->in, pipe)) return;
    take_for_namer(process_parent(shell), pipe, O_WRONLY);
}

bool pipeline_follow(struct pipeline *pipeline, struct proc_streams *streams) {
    struct sibling siblings[2 * MAX_SIBLINGS];
    pid_t pid = streams->pid;
    bool changed = set_first(&pipeline->in, pipe_called(proc_stream(streams, 0)));
    changed |= set_first(&pipeline->out, pipe_called(proc_stream(streams, 1)));
    if (!pipeline->in.count && !pipeline->out.count) return changed;
    pid_t reader = pipeline->in.count ? program_of(pid, "fd/0", pipeline->in.inodes[0]) : pid;
    pid_t writer = pipeline->out.count ? program_of(pid, "fd/1", pipeline->out.inodes[0]) : pid;
    struct side sides[] = {{.shell = process_parent(reader), .mode = O_WRONLY, .pipes = &pipeline->in},
                           {.shell = process_parent(writer), .mode = O_RDONLY, .pipes = &pipeline->out}};
    /* For its neighbours: it may be gone when they come. */
    remember_sibling((struct sibling){.in = pipeline->in.count ? pipeline->in.inodes[0] : 0,
                                      .out = pipeline->out.count ? pipeline->out.inodes[0] : 0,
                                      .pid = pid,
                                      .shell = process_parent(pid)});
    describe_the_dead();
    unsigned known = 0, count = 0;
    bool complete = false, pending = true, in_vain = false, settled = false, named[3] = {false};
    uint64_t begun = now_us(), now = begun;
    unsigned disappointed = disappointments(begun);
    for (long pause = PAUSE_NS;; now = now_us()) {
        uint64_t waited = now - begun;
        count = read_siblings(writer, siblings);
        if (reader != writer) count += read_siblings(reader, siblings + count);
        changed |= grow(pipeline);
        pending = describe_neighbours(pipeline, waited, &known);
        complete = complete || is_complete(pipeline, siblings, count);
        bool awaited = pending;
        for (unsigned i = 0; i < 2 && !complete; i++) {
            if (named[i] || !sides[i].pipes->count || is_elsewhere(sides[i].pipes->inodes[0])) continue;
            enum named found = find_namer(i ? writer : reader, sides[i].pipes->inodes[0], sides[i].mode, waited);
            named[i] = found == FOUND;
            named[2] |= named[i]; /* to be looked at with what is known now */
            awaited = awaited || found == SOMEBODY_STARTING;
        }
        if (named[2]) {
            named[2] = false;
            continue;
        }
        for (unsigned i = 0; i < 2 && !complete && !awaited; i++)
            awaited = may_be_taken(&sides[i], pid, waited, (uint64_t)START_RUNS_US >> disappointed);
        in_vain = awaited && waited > (uint64_t)WAIT_US >> disappointed;
        if (in_vain || (!awaited && (complete || settled))) break;
        settled = !awaited; /* once more: it may have been taken up between the two looks */
        if (settled) continue;
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
        if (pause < LONGEST_PAUSE_NS) pause += pause / 4;
    }
    pipeline->unsettled = stop_waiting(pipeline) && complete;
    for (unsigned i = 0; i < 2 && !complete; i++)
        if (!named[i] && sides[i].pipes->count) take_for_namer(sides[i].shell, sides[i].pipes->inodes[0], sides[i].mode);
    if (!complete) add_shells_input(pipeline, sides[0].shell, siblings, count);
    if (!complete) changed |= grow(pipeline);
    if (in_vain) {
        if (memory.in_vain < 8) memory.in_vain++;
        memory.in_vain_us = now;
    }
    if (!complete) {
        give_up(&pipeline->in);
        give_up(&pipeline->out);
    }
    changed |= known > pipeline->neighbours;
    pipeline->neighbours = known;
    return changed;
}
