/* Reading /proc, which may wait.
 *
 * The kernel lets nobody read much of a process that is becoming another program, and that process may wait for our
 * answer to its closing of a file. Of the caller that can be seen; anybody else may begin it at any moment, so the core is
 * left while it reads, and a stand-in answers if that lasts (reader.c). Meanwhile no table of processes is changed.
 */
#include "proc.h"
#include "lock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_path(const char *path, char *buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t got = read(fd, buffer, size - 1);
    close(fd);
    if (got >= 0) buffer[got] = '\0';
    return got;
}

ssize_t read_proc_apart(char *buffer, size_t size, pid_t pid, const char *name) {
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return read_path(path, buffer, size);
}

ssize_t read_proc_link_apart(char *buffer, size_t size, pid_t pid, const char *name) {
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    ssize_t got = readlink(path, buffer, size - 1);
    if (got >= 0) buffer[got] = '\0';
    return got;
}

size_t proc_line_size(const char *line, size_t size, size_t room) {
    if (size >= room - 1)
        while (size && !line[size - 1]) size--;
    return size;
}

char proc_state(const char *stat) {
    const char *after = strrchr(stat, ')'); /* the name may hold anything */
    return after && after[1] == ' ' ? after[2] : '\0';
}

ssize_t read_proc(char *buffer, size_t size, const char *format, ...) {
    char path[96];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    core_leave();
    ssize_t got = read_path(path, buffer, size);
    core_return();
    return got;
}

size_t read_proc_link(char *buffer, size_t size, pid_t pid, const char *name) {
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    core_leave();
    ssize_t got = readlink(path, buffer, size);
    core_return();
    return got < 0 ? 0 : (size_t)got;
}

void proc_streams_of(struct proc_streams *streams, pid_t pid) {
    streams->pid = pid;
    memset(streams->known, 0, sizeof streams->known);
}

const char *proc_stream(struct proc_streams *streams, int fd) {
    char name[16], *target = streams->targets[fd];
    if (!streams->known[fd]) {
        snprintf(name, sizeof name, "fd/%d", fd);
        target[read_proc_link(target, sizeof streams->targets[fd] - 1, streams->pid, name)] = '\0';
        streams->known[fd] = true;
    }
    return target;
}

int proc_named(const char *word) {
    static const char *const places[] = {"/dev/fd/", "/proc/self/fd/"};
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        size_t size = strlen(places[i]);
        char *end;
        if (strncmp(word, places[i], size) != 0 || word[size] < '0' || word[size] > '9') continue;
        long fd = strtol(word + size, &end, 10);
        return *end || fd < STREAMS || fd > INT_MAX ? -1 : (int)fd;
    }
    return -1;
}
