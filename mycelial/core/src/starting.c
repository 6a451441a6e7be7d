/* Whether a shell is still starting the programs of a pipeline.
 *
 * It makes a pipe, forks one child after the other, and each child puts the pipes in their places before it becomes its
 * program. On a busy machine all that takes long, not because much is left to do but because nobody gets a processor.
 * So what counts is not the time that passes: a shell that sleeps starts nothing more, one that gave the pipe away has
 * no use for it, and one that computes is believed only until it has had the processor for longer than forking takes.
 */
#include "starting.h"
#include "lock.h"
#include "proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DISK_US 10000 /* that a child may wait for its program to be read */
#define NAMED 32 /* descriptors from here on are pipes that bash will give to a program by name: <( ) and >( ) */

/* Runs, or would if it got a processor, or waits for a disk or for its vfork. */
static bool is_busy(const char *stat) {
    char state = proc_state(stat);
    return state == 'R' || state == 'D';
}

bool starting_is_busy(pid_t pid) {
    char text[1024];
    return read_proc(text, sizeof text, "/proc/%d/stat", (int)pid) > 0 && is_busy(text);
}

bool starting_is_alive(pid_t pid) {
    char text[1024];
    char state = read_proc(text, sizeof text, "/proc/%d/stat", (int)pid) > 0 ? proc_state(text) : '\0';
    return state && state != 'Z' && state != 'X';
}

/* A child that waits for more than a moment waits for us: for the file of a redirection. */
static bool is_moving(const char *stat, uint64_t waited_us) {
    return is_busy(stat) && (proc_state(stat) == 'R' || waited_us < DISK_US);
}

bool starting_is_moving(pid_t pid, uint64_t waited_us) {
    char text[1024];
    return read_proc(text, sizeof text, "/proc/%d/stat", (int)pid) > 0 && is_moving(text, waited_us);
}

/* Busy, and by its name not yet another program than its shell. */
bool starting_is_copy(pid_t child, pid_t shell, uint64_t waited_us) {
    char one[1024], other[1024];
    if (read_proc(one, sizeof one, "/proc/%d/stat", (int)child) <= 0 || !is_moving(one, waited_us)) return false;
    if (read_proc(other, sizeof other, "/proc/%d/stat", (int)shell) <= 0) return false;
    const char *name = strchr(one, '('), *end = strrchr(one, ')'), *parents = strchr(other, '(');
    return name && end > name && parents && !strncmp(name, parents, (size_t)(end - name + 1));
}

/* How long a process has had a processor; where the kernel does not say that, all of the time that was waited. */
uint64_t starting_ran_us(pid_t pid, uint64_t waited_us) {
    char text[128];
    if (read_proc(text, sizeof text, "/proc/%d/schedstat", (int)pid) <= 0) return waited_us;
    return strtoull(text, NULL, 10) / 1000;
}

int starting_mode(pid_t pid, int fd) {
    char text[256];
    unsigned flags;
    if (read_proc(text, sizeof text, "/proc/%d/fdinfo/%d", (int)pid, fd) <= 0) return -1;
    const char *at = strstr(text, "flags:");
    return at && sscanf(at, "flags: %o", &flags) == 1 ? (int)(flags & O_ACCMODE) : -1;
}

bool starting_holds(pid_t pid, uint64_t pipe, int mode) {
    char path[64], wanted[64], target[64];
    bool found = false;
    size_t size = (size_t)snprintf(wanted, sizeof wanted, "pipe:[%llu]", (unsigned long long)pipe);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    int numbers[NAMED], count = 0;
    core_leave();
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && count < NAMED && (entry = readdir(directory));)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) < NAMED) numbers[count++] = atoi(entry->d_name);
    if (directory) closedir(directory);
    core_return();
    for (int i = 0; i < count && !found; i++) {
        int number = numbers[i];
        snprintf(path, sizeof path, "fd/%d", number);
        found = read_proc_link(target, sizeof target, pid, path) == size && !memcmp(target, wanted, size) &&
                starting_mode(pid, number) == mode;
    }
    return found;
}
