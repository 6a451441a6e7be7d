/* The Python module mycelial.core._core; its functions are described in _core.pyi. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "caller.h"
#include "configuration.h"
#include "inode.h"
#include "libfuse.h"
#include "lineage.h"
#include "listing.h"
#include "lock.h"
#include "operations.h"
#include "passthrough.h"
#include "reach.h"
#include "reader.h"
#include "record.h"
#include "rights.h"
#include "ring.h"
#include "session.h"
#include "share.h"
#include "virtual.h"
#include "worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* What the reader's thread uses, too. It never waits for the GIL while it answers, so there is no knot. */
#define LOCKED(what)                                                                                                   \
    do {                                                                                                               \
        Py_BEGIN_ALLOW_THREADS;                                                                                        \
        core_lock();                                                                                                   \
        what;                                                                                                          \
        core_unlock();                                                                                                 \
        Py_END_ALLOW_THREADS;                                                                                          \
    } while (0)

static PyObject *os_error(int error) {
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *configure(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"source_fd", "view_dir", "show_view_dir", "timeout", "record", "capacity", "passthrough", "writeback", NULL};
    int source_fd, show, record, passthrough, writeback;
    const char *view_dir;
    Py_ssize_t view_dir_size, capacity;
    double timeout;
    struct rlimit limit;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$iy#pdpnpp", names, &source_fd, &view_dir, &view_dir_size, &show,
                                     &timeout, &record, &capacity, &passthrough, &writeback))
        return NULL;
    if (view_dir_size >= (Py_ssize_t)sizeof configuration.view_dir) return os_error(ENAMETOOLONG);
    memcpy(configuration.view_dir, view_dir, (size_t)view_dir_size + 1);
    configuration.show_view_dir = show && view_dir_size;
    configuration.passthrough = passthrough;
    configuration.writeback = writeback;
    configuration.timeout = timeout;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return os_error(errno);
    unsigned long usable = limit.rlim_cur > 1u << 20 ? 1u << 20 : limit.rlim_cur;
    unsigned directories = (unsigned)(usable > 128 ? (usable - 64) / 4 : 16), looked_at = (unsigned)(usable > 4096 ? 512 : usable / 8);
    int error = inode_init(source_fd, directories);
    if (!error) error = reader_init();
    if (error) return os_error(error);
    if (ring_init(record, (size_t)capacity)) return os_error(errno);
    lineage_init(looked_at);
    share_init(usable > 128 ? (unsigned)usable - directories - looked_at - 48 : (unsigned)usable);
    caller_init();
    reach_init(source_fd);
    session_activate();
    Py_RETURN_NONE;
}

static PyObject *start(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    worker_init();
    int error = session_start();
    if (error) return os_error(error);
    Py_RETURN_NONE;
}

static PyObject *stop_reading(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    Py_BEGIN_ALLOW_THREADS;
    reader_stop();
    worker_shutdown(); /* they answer through the session, which ends next */
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

static PyObject *stop(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    session_deactivate();
    listings_give_up();
    inode_shutdown();
    Py_RETURN_NONE;
}

/* ---- events ------------------------------------------------------------------------------------------------------- */

static PyObject *send_waiting(PyObject *self, PyObject *unused) {
    bool all;
    (void)self, (void)unused;
    LOCKED(all = ring_send());
    return PyBool_FromLong(all);
}

static PyObject *stored(PyObject *self, PyObject *serial) {
    (void)self;
    unsigned long long value = PyLong_AsUnsignedLongLong(serial);
    if (PyErr_Occurred()) return NULL;
    LOCKED(ring_stored(value));
    Py_RETURN_NONE;
}

static PyObject *send_again(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    LOCKED(ring_send_again());
    Py_RETURN_NONE;
}

static PyObject *recorded(PyObject *self, PyObject *unused) {
    uint64_t count;
    (void)self, (void)unused;
    LOCKED(count = ring_recorded());
    return PyLong_FromUnsignedLongLong(count);
}

static PyObject *wake_fd(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    return PyLong_FromLong(ring_wake_fd());
}

static PyObject *deliver_to(PyObject *self, PyObject *socket) {
    (void)self;
    long value = PyLong_AsLong(socket);
    if (value == -1 && PyErr_Occurred()) return NULL;
    LOCKED(ring_deliver_to((int)value));
    Py_RETURN_NONE;
}

static PyObject *announce_again(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    LOCKED(lineage_announce_again());
    Py_RETURN_NONE;
}

static PyObject *ignore_process(PyObject *self, PyObject *pid) {
    (void)self;
    long value = PyLong_AsLong(pid);
    if (value == -1 && PyErr_Occurred()) return NULL;
    LOCKED(lineage_ignore((pid_t)value));
    Py_RETURN_NONE;
}

static PyObject *leave_out(PyObject *self, PyObject *names) {
    char *bytes;
    Py_ssize_t size;
    (void)self;
    if (PyBytes_AsStringAndSize(names, &bytes, &size)) return NULL;
    LOCKED(record_leave_out(bytes, (size_t)size));
    Py_RETURN_NONE;
}

/* ---- virtual inodes ------------------------------------------------------------------------------------------------ */

static PyObject *take_forgets(PyObject *self, PyObject *unused) {
    struct virtual_forget *forgets;
    size_t count;
    (void)self, (void)unused;
    LOCKED(forgets = virtual_take_forgets(&count));
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *pair = Py_BuildValue("KK", (unsigned long long)forgets[i].ino, (unsigned long long)forgets[i].lookups);
        if (!pair) Py_CLEAR(list);
        if (list) PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    free(forgets);
    return list;
}

static PyObject *let_go(PyObject *self, PyObject *numbers) {
    (void)self;
    PyObject *sequence = PySequence_Fast(numbers, "numbers of inodes");
    if (!sequence) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
    uint64_t *inodes = malloc(count ? (size_t)count * sizeof *inodes : 1);
    int error = inodes ? 0 : ENOMEM;
    for (Py_ssize_t i = 0; !error && i < count; i++)
        inodes[i] = PyLong_AsUnsignedLongLong(PySequence_Fast_GET_ITEM(sequence, i));
    Py_DECREF(sequence);
    if (!error && !PyErr_Occurred()) {
        Py_BEGIN_ALLOW_THREADS;
        error = libfuse_prune(inodes, (size_t)count);
        Py_END_ALLOW_THREADS;
    }
    free(inodes);
    if (PyErr_Occurred()) return NULL;
    return error ? os_error(error) : Py_NewRef(Py_None);
}

static bool add_entry(struct virtual_listing *listing, Py_ssize_t position, PyObject *item, struct fuse_entry_param *entry) {
    const char *name;
    unsigned long long number;
    unsigned mode;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(item, "yKIn", &name, &number, &mode, &size)) return false;
    entry->ino = (fuse_ino_t)number;
    entry->attr.st_ino = number ? (ino_t)number : (ino_t)(VIRTUAL_BIT | (uint64_t)position);
    entry->attr.st_mode = mode;
    entry->attr.st_size = size;
    if (listing_add(listing, name, entry)) return true;
    PyErr_NoMemory();
    return false;
}

static PyObject *new_listing(PyObject *self, PyObject *args) {
    struct fuse_entry_param entry = {.attr = {.st_nlink = 1}};
    unsigned long long time;
    unsigned uid, gid;
    PyObject *entries;
    (void)self;
    if (!PyArg_ParseTuple(args, "O!IIKd", &PyList_Type, &entries, &uid, &gid, &time, &entry.entry_timeout)) return NULL;
    entry.attr_timeout = entry.entry_timeout;
    entry.attr.st_uid = uid;
    entry.attr.st_gid = gid;
    entry.attr.st_ctim = (struct timespec){(time_t)(time / 1000000000u), (long)(time % 1000000000u)};
    entry.attr.st_atim = entry.attr.st_mtim = entry.attr.st_ctim;
    struct virtual_listing *listing = listing_new();
    if (!listing) return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(entries); i++)
        if (!add_entry(listing, i + 1, PyList_GET_ITEM(entries, i), &entry)) {
            listing_free(listing);
            return NULL;
        }
    return PyLong_FromUnsignedLongLong((unsigned long long)(uintptr_t)listing);
}

static PyObject *path_of(PyObject *self, PyObject *number) {
    char path[PATH_SIZE];
    int size;
    (void)self;
    unsigned long long ino = PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred()) return NULL;
    LOCKED(size = inode_path(inode_of((fuse_ino_t)ino), NULL, path, sizeof path));
    if (size < 0) Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(path, size);
}

/* ---- the source as a caller sees it ---------------------------------------------------------------------------------- */

static PyObject *groups_of(PyObject *self, PyObject *pid) {
    struct rights rights;
    (void)self;
    long value = PyLong_AsLong(pid);
    if (value == -1 && PyErr_Occurred()) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    rights_read((pid_t)value, &rights);
    Py_END_ALLOW_THREADS;
    PyObject *tuple = PyTuple_New((Py_ssize_t)rights.group_count);
    for (size_t i = 0; tuple && i < rights.group_count; i++)
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, PyLong_FromUnsignedLong(rights.groups[i]));
    return tuple;
}

struct caller_arguments {
    const char *path;
    gid_t groups[1024];
    struct reach_caller caller;
};

static bool parse_caller(PyObject *args, struct caller_arguments *parsed) {
    PyObject *groups;
    unsigned uid, gid;
    if (!PyArg_ParseTuple(args, "yIIO!", &parsed->path, &uid, &gid, &PyTuple_Type, &groups)) return false;
    Py_ssize_t count = PyTuple_GET_SIZE(groups);
    if (count > 1024) count = 1024;
    for (Py_ssize_t i = 0; i < count; i++) parsed->groups[i] = (gid_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(groups, i));
    parsed->caller = (struct reach_caller){uid, gid, parsed->groups, (size_t)count};
    return !PyErr_Occurred();
}

static PyObject *file_type(PyObject *self, PyObject *args) {
    struct caller_arguments parsed;
    mode_t type;
    (void)self;
    if (!parse_caller(args, &parsed)) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    type = reach_type(&parsed.caller, parsed.path);
    Py_END_ALLOW_THREADS;
    return PyLong_FromUnsignedLong(type);
}

static PyObject *list_directory(PyObject *self, PyObject *args) {
    struct caller_arguments parsed;
    int fd;
    (void)self;
    if (!parse_caller(args, &parsed)) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    fd = reach_directory(&parsed.caller, parsed.path);
    Py_END_ALLOW_THREADS;
    if (fd < 0) return os_error(-fd);
    DIR *directory = fdopendir(fd);
    PyObject *list = PyList_New(0);
    struct dirent *entry;
    while (list && directory && (entry = readdir(directory))) {
        PyObject *pair = Py_BuildValue("yi", entry->d_name, DTTOIF(entry->d_type));
        if (!pair || PyList_Append(list, pair)) Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    if (directory)
        closedir(directory);
    else
        close(fd);
    return list;
}

/* ---- figures --------------------------------------------------------------------------------------------------------- */

static PyObject *figures(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    struct session_figures session;
    unsigned long inodes, reads, opens;
    unsigned long long dropped;
    LOCKED(session = reader_figures(); inodes = inode_count(); reads = lineage_reads(); opens = passthrough_opens();
           dropped = ring_dropped());
    return Py_BuildValue("{sksksksksKsIsKsKsssNsk}", "requests", session.requests, "python_requests", session.for_python,
                         "inodes", inodes, "lineage_reads", reads, "events_dropped", dropped, "protocol_minor",
                         negotiated.minor, "offered", (unsigned long long)negotiated.offered, "agreed",
                         (unsigned long long)negotiated.agreed, "libfuse", fuse_pkgversion(), "passthrough",
                         PyBool_FromLong(passthrough_is_on()), "passthrough_opens", opens);
}

static PyMethodDef methods[] = {
    {"configure", (PyCFunction)(void (*)(void))configure, METH_VARARGS | METH_KEYWORDS, NULL},
    {"start", start, METH_NOARGS, NULL},
    {"stop_reading", stop_reading, METH_NOARGS, NULL},
    {"stop", stop, METH_NOARGS, NULL},
    {"send_waiting", send_waiting, METH_NOARGS, NULL},
    {"stored", stored, METH_O, NULL},
    {"send_again", send_again, METH_NOARGS, NULL},
    {"recorded", recorded, METH_NOARGS, NULL},
    {"wake_fd", wake_fd, METH_NOARGS, NULL},
    {"deliver_to", deliver_to, METH_O, NULL},
    {"announce_again", announce_again, METH_NOARGS, NULL},
    {"ignore_process", ignore_process, METH_O, NULL},
    {"leave_out", leave_out, METH_O, NULL},
    {"take_forgets", take_forgets, METH_NOARGS, NULL},
    {"let_go", let_go, METH_O, NULL},
    {"new_listing", new_listing, METH_VARARGS, NULL},
    {"path_of", path_of, METH_O, NULL},
    {"groups_of", groups_of, METH_O, NULL},
    {"file_type", file_type, METH_VARARGS, NULL},
    {"list_directory", list_directory, METH_VARARGS, NULL},
    {"figures", figures, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "mycelial.core._core", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModule_Create(&definition); }
