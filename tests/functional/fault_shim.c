/* fault_shim: a sick disk, clock or kernel for one process, by LD_PRELOAD. FAULT_CONTROL names a file of 64-bit numbers in memory
 * order that this process and the test map (disk.py); they may change at any time. FAULT_DIR is the folder whose files are watched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t calls;         /* changes of watched files so far: writes, syncs, truncations, reservations, renames, removals */
    int64_t kill_at;       /* SIGKILL just before the call of this number; 0: never */
    int64_t sync_delay;    /* microseconds before each sync */
    int64_t hang;          /* while not 0, writes and syncs do not return */
    int64_t write_error;   /* errno of every write; 0: none */
    int64_t sync_error;    /* errno of the next sync of message bytes or of the database's log, once */
    int64_t syncs;         /* calls of fsync and fdatasync so far */
    int64_t threads_left;  /* threads that may still be made; below 0: any number */
    int64_t clock_seconds; /* added to the time of day, not to the monotonic clock */
    int64_t stale_read;    /* not 0: reads of segments return what lies 512 bytes before */
};
static struct control none = {.threads_left = -1};
static volatile struct control* control = &none;
static const char* folder;

__attribute__((constructor)) static void begin(void) {
    const char* path = getenv("FAULT_CONTROL");
    folder = getenv("FAULT_DIR");
    if (!path) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
    void* at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) control = at;
    if (fd >= 0) syscall(SYS_close, fd);
}

/* Regular files below the folder; the wal-index is memory that happens to have a name. */
static int watched_path(const char* path) {
    return folder && strncmp(path, folder, strlen(folder)) == 0 && !strstr(path, "-shm");
}
static int watched(int fd, char* path) {
    struct stat info;
    char link[32] = "/proc/self/fd/", digits[12];
    if (!folder || fstat(fd, &info) != 0 || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) return 0;
    int n = 0, value = fd;
    do digits[n++] = (char)('0' + value % 10); while ((value /= 10) > 0);
    char* end = link + strlen(link);
    while (n > 0) *end++ = digits[--n];
    *end = 0;
    ssize_t length = readlink(link, path, 511);
    path[length > 0 ? length : 0] = 0;
    return watched_path(path);
}

static void count_call(void) {
    int64_t number = __sync_add_and_fetch(&control->calls, 1);
    if (control->kill_at && number >= control->kill_at) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    while (control->hang) syscall(SYS_nanosleep, &(struct timespec){0, 10000000}, NULL);
}
/* Before a write to fd: 0, or the error it fails with. */
static int before_write(int fd) {
    char path[512];
    if (!watched(fd, path)) return 0;
    count_call();
    return (int)control->write_error;
}
static int fails(int error) { return error ? (errno = error, 1) : 0; }

ssize_t pwrite64(int fd, const void* data, size_t n, off64_t at) { return fails(before_write(fd)) ? -1 : syscall(SYS_pwrite64, fd, data, n, at); }
ssize_t pwrite(int fd, const void* data, size_t n, off_t at) { return pwrite64(fd, data, n, at); }
ssize_t write(int fd, const void* data, size_t n) { return fails(before_write(fd)) ? -1 : syscall(SYS_write, fd, data, n); }
int ftruncate64(int fd, off64_t size) { return fails(before_write(fd)) ? -1 : (int)syscall(SYS_ftruncate, fd, size); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int fallocate64(int fd, int mode, off64_t at, off64_t n) { return fails(before_write(fd)) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n); }
int fallocate(int fd, int mode, off_t at, off_t n) { return fallocate64(fd, mode, at, n); }
int posix_fallocate64(int fd, off64_t at, off64_t n) {
    int error = before_write(fd);
    return error ? error : syscall(SYS_fallocate, fd, 0, at, n) == 0 ? 0 : errno;
}
int posix_fallocate(int fd, off_t at, off_t n) { return posix_fallocate64(fd, at, n); }

static int sync_file(int fd, long call) {
    char path[512];
    if (!watched(fd, path)) return (int)syscall(call, fd);
    count_call();
    __sync_add_and_fetch(&control->syncs, 1);
    int64_t delay = control->sync_delay;
    if (delay) syscall(SYS_nanosleep, &(struct timespec){delay / 1000000, delay % 1000000 * 1000}, NULL);
    int64_t error = strstr(path, ".segment") || strstr(path, "maild.db-wal") ? __sync_lock_test_and_set(&control->sync_error, 0) : 0;
    return fails((int)error) ? -1 : (int)syscall(call, fd);
}
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

static void before_path(const char* path) {
    if (watched_path(path)) count_call();
}
int unlink(const char* path) { before_path(path); return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0); }
int rename(const char* from, const char* to) { before_path(to); return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to); }
int mkdir(const char* path, mode_t mode) { before_path(path); return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode); }

ssize_t pread64(int fd, void* data, size_t n, off64_t at) {
    char path[512];
    if (control->stale_read && at >= 512 && watched(fd, path) && strstr(path, ".segment")) at -= 512;
    return syscall(SYS_pread64, fd, data, n, at);
}
ssize_t pread(int fd, void* data, size_t n, off_t at) { return pread64(fd, data, n, at); }

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
    static int (*real)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    if (!real) real = (int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*))dlsym(RTLD_NEXT, "pthread_create");
    if (control->threads_left == 0) return EAGAIN;
    if (control->threads_left > 0) __sync_sub_and_fetch(&control->threads_left, 1);
    return real(thread, attributes, body, argument);
}

int clock_gettime(clockid_t which, struct timespec* out) {
    int result = (int)syscall(SYS_clock_gettime, which, out);
    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) out->tv_sec += control->clock_seconds;
    return result;
}
int gettimeofday(struct timeval* out, void* zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t* out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
