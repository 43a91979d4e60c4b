/* power_cut: a power failure for one process, by LD_PRELOAD. Writes below POWER_CUT_DIR go through, and what they
 * overwrote is remembered until the file is synced. At the POWER_CUT_AFTER-th write or sync everything not synced is taken
 * back, files whose folder was not synced since they were made are removed, and the process ends with status 137.
 * POWER_CUT_MODE=data: the metadata survives and the data does not: files keep their names and lengths, what was not synced is zeros.
 * POWER_CUT_MODE=some: of what was not synced some writes survive and others do not, by POWER_CUT_AFTER.
 * POWER_CUT_COUNT names a file that holds the number of syncs so far, as a 64-bit number in memory order. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct undo {
    struct undo* before;
    ino_t inode;
    char path[512];
    off_t offset, old_size;
    size_t length, written;
    char old[];
};
struct made {
    struct made* before;
    char path[512];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct undo* undos;
static struct made* makes;
static long calls, limit = -1;
static const char *folder, *mode = "";
static volatile uint64_t* syncs;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("POWER_CUT_DIR");
    const char* after = getenv("POWER_CUT_AFTER");
    if (after) limit = atol(after);
    if (getenv("POWER_CUT_MODE")) mode = getenv("POWER_CUT_MODE");
    const char* count = getenv("POWER_CUT_COUNT");
    if (count) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, count, O_RDWR | O_CREAT, 0600);
        if (fd >= 0 && ftruncate(fd, 8) == 0)
            syncs = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
}

/* The path of fd when it is a regular file below the folder, else 0. The wal-index needs no durability. */
static int watched(int fd, char* path, struct stat* info) {
    char link[64];
    if (!folder || fstat(fd, info) != 0 || !S_ISREG(info->st_mode)) return 0;
    strcpy(link, "/proc/self/fd/");
    char digits[16];
    int n = 0, value = fd;
    do digits[n++] = (char)('0' + value % 10); while ((value /= 10) > 0);
    char* end = link + strlen(link);
    while (n > 0) *end++ = digits[--n];
    *end = 0;
    ssize_t length = readlink(link, path, 511);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0 && !strstr(path, "-shm");
}

/* Zeros in the place of what was added to a file. */
static void blank(int fd, off_t at, off_t end) {
    static const char zeros[4096];
    for (; at < end; at += (off_t)sizeof zeros)
        syscall(SYS_pwrite64, fd, zeros, end - at < (off_t)sizeof zeros ? (size_t)(end - at) : sizeof zeros, at);
}

static void cut(void) {
    int keep_names = strcmp(mode, "data") == 0 || strcmp(mode, "some") == 0;
    uint64_t coin = (uint64_t)limit * 2654435761u + 1;
    for (struct undo* u = undos; u; u = u->before) {
        coin = coin * 6364136223846793005u + 1442695040888963407u;
        if (strcmp(mode, "some") == 0 && (coin >> 40) % 2) continue;
        int fd = (int)syscall(SYS_openat, AT_FDCWD, u->path, O_WRONLY);
        if (fd < 0) continue;
        if (u->length) syscall(SYS_pwrite64, fd, u->old, u->length, u->offset);
        if (u->old_size >= 0 && keep_names) blank(fd, u->offset > u->old_size ? u->offset : u->old_size, u->offset + (off_t)u->written);
        else if (u->old_size >= 0) syscall(SYS_ftruncate, fd, u->old_size);
        syscall(SYS_close, fd);
    }
    for (struct made* m = keep_names ? NULL : makes; m; m = m->before) syscall(SYS_unlinkat, AT_FDCWD, m->path, 0);
    syscall(SYS_exit_group, 137);
}

static void count_call(void) {
    if (limit >= 0 && ++calls >= limit) cut();
}

/* Before a write: remember what it will overwrite. */
static void remember(int fd, off_t offset, size_t length) {
    struct stat info;
    char path[512];
    if (!watched(fd, path, &info)) return;
    count_call();
    size_t overlap = offset < info.st_size ? (size_t)(info.st_size - offset) : 0;
    if (overlap > length) overlap = length;
    struct undo* u = malloc(sizeof *u + overlap);
    if (!u) return;
    strcpy(u->path, path);
    u->inode = info.st_ino;
    u->offset = offset;
    u->old_size = offset + (off_t)length > info.st_size ? info.st_size : -1;
    u->length = 0;
    u->written = length;
    if (overlap) {
        int reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
        ssize_t got = reader < 0 ? 0 : syscall(SYS_pread64, reader, u->old, overlap, offset);
        if (reader >= 0) syscall(SYS_close, reader);
        u->length = got > 0 ? (size_t)got : 0;
    }
    u->before = undos;
    undos = u;
}

static void forget(ino_t inode) {
    for (struct undo** at = &undos; *at;) {
        struct undo* u = *at;
        if (u->inode != inode) { at = &u->before; continue; }
        *at = u->before;
        free(u);
    }
}

static int sync_file(int fd, long call) {
    struct stat info;
    char path[512];
    pthread_mutex_lock(&mutex);
    int is_watched = watched(fd, path, &info);
    if (is_watched) count_call();
    int result = (int)syscall(call, fd);
    if (is_watched && result == 0) {
        forget(info.st_ino);
        if (syncs) ++*syncs;
    } else if (result == 0 && folder && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        while (makes) { struct made* m = makes; makes = m->before; free(m); }
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

ssize_t pwrite64(int fd, const void* data, size_t length, off64_t offset) {
    pthread_mutex_lock(&mutex);
    remember(fd, offset, length);
    ssize_t result = syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_unlock(&mutex);
    return result;
}
ssize_t pwrite(int fd, const void* data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
    ssize_t total = 0;
    for (int i = 0; i < count; ++i) {
        ssize_t n = pwrite64(fd, parts[i].iov_base, parts[i].iov_len, offset + total);
        if (n < 0) return total ? total : n;
        total += n;
    }
    return total;
}

ssize_t write(int fd, const void* data, size_t length) {
    struct stat info;
    char path[512];
    if (!folder || !watched(fd, path, &info)) return syscall(SYS_write, fd, data, length);
    pthread_mutex_lock(&mutex);
    remember(fd, lseek(fd, 0, SEEK_CUR), length);
    ssize_t result = syscall(SYS_write, fd, data, length);
    pthread_mutex_unlock(&mutex);
    return result;
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

static int open_file(int at, const char* path, int flags, mode_t mode) {
    struct stat info;
    int is_new = (flags & O_CREAT) && folder && strncmp(path, folder, strlen(folder)) == 0 &&
                 fstatat(at, path, &info, 0) != 0 && errno == ENOENT;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (is_new && fd >= 0 && !strstr(path, "-shm") && !strstr(path, ".sock")) {
        struct made* m = malloc(sizeof *m);
        pthread_mutex_lock(&mutex);
        strncpy(m->path, path, 511);
        m->path[511] = 0;
        m->before = makes;
        makes = m;
        pthread_mutex_unlock(&mutex);
    }
    return fd;
}
#define MODE(flags) (((flags) & O_CREAT) ? ({ va_list a; va_start(a, flags); mode_t m = va_arg(a, mode_t); va_end(a); m; }) : 0)
int open(const char* path, int flags, ...) { return open_file(AT_FDCWD, path, flags, MODE(flags)); }
int open64(const char* path, int flags, ...) { return open_file(AT_FDCWD, path, flags | O_LARGEFILE, MODE(flags)); }
int openat(int at, const char* path, int flags, ...) { return open_file(at, path, flags, MODE(flags)); }
int openat64(int at, const char* path, int flags, ...) { return open_file(at, path, flags | O_LARGEFILE, MODE(flags)); }
