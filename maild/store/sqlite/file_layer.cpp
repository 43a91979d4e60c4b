// A thin file layer over SQLite's own one. Before every write and sync it asks the store's FileOps, which
// lets tests inject faults where a real disk would fail. Writes to the log, two small ones per page, are
// gathered and written as one before anything else happens to the file, at the latest by the sync of the
// commit.
#include "maild/store/file_ops.hpp"
#include "maild/store/sqlite/database.hpp"

#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <new>
#include <sqlite3.h>

namespace mail::store::sqlite {
namespace {

struct Watched {
    std::mutex mutex;
    std::map<std::string, const FileOps*, std::less<>> files; // by path of the database
};
Watched& watched() {
    static Watched all;
    return all;
}

/// The database's own path: the name without "-wal" or "-journal".
const FileOps* files_of(const char* name) {
    if (name == nullptr)
        return nullptr;
    std::string_view path(name);
    for (const std::string_view suffix : {"-wal", "-journal"})
        if (path.ends_with(suffix))
            path.remove_suffix(suffix.size());
    const std::lock_guard lock(watched().mutex);
    const auto found = watched().files.find(path);
    return found == watched().files.end() ? nullptr : found->second;
}

/// Consecutive writes to the log that are not written yet.
struct Gathered {
    std::string bytes;
    sqlite3_int64 at = 0;
};
constexpr std::size_t most_gathered =
    (std::size_t{128} << 10) - 1; // SQLite cannot write 128 KiB or more at once

constexpr std::size_t read_along_bytes = 32768;
thread_local bool reading_along = false;

struct LayeredFile {
    sqlite3_file base;
    const FileOps* files;
    Gathered* gathered; // of the log alone; owned
    sqlite3_int64 window; // where the last read of a scan began
    // The file of the layer below follows in the same allocation.
};
sqlite3_file* below(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(LayeredFile));
}
const FileOps* ops(sqlite3_file* file) {
    return reinterpret_cast<LayeredFile*>(file)->files;
}

int write_through(sqlite3_file* f, const void* data, int n, sqlite3_int64 at) {
    if (const FileOps* files = ops(f))
        if (const int error = files->fault(FileOperation::database_write))
            return is_full(error) ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    const int code = below(f)->pMethods->xWrite(below(f), data, n, at);
    if (code ==
        SQLITE_IOERR_WRITE) { // SQLite knows ENOSPC alone; a quota and a file size limit are full disks too
        int error = 0;
        below(f)->pMethods->xFileControl(below(f), SQLITE_FCNTL_LAST_ERRNO, &error);
        return is_full(error) ? SQLITE_FULL : code;
    }
    return code;
}
int write_gathered(sqlite3_file* f) {
    Gathered* gathered = reinterpret_cast<LayeredFile*>(f)->gathered;
    if (gathered == nullptr || gathered->bytes.empty())
        return SQLITE_OK;
    const int code =
        write_through(f, gathered->bytes.data(), static_cast<int>(gathered->bytes.size()), gathered->at);
    gathered->bytes.clear(); // also after an error: SQLite then takes the whole transaction back
    return code;
}

int layer_write(sqlite3_file* f, const void* data, int n, sqlite3_int64 at) {
    Gathered* gathered = reinterpret_cast<LayeredFile*>(f)->gathered;
    if (gathered == nullptr)
        return write_through(f, data, n, at);
    const auto end = gathered->at + static_cast<sqlite3_int64>(gathered->bytes.size());
    if (at != end || gathered->bytes.size() + static_cast<std::size_t>(n) > most_gathered)
        if (const int code = write_gathered(f); code != SQLITE_OK)
            return code;
    if (gathered->bytes.empty())
        gathered->at = at;
    try {
        gathered->bytes.append(static_cast<const char*>(data), static_cast<std::size_t>(n));
    } catch (const std::bad_alloc&) { // no memory for gathering: as if it were not done
        const int code = write_gathered(f);
        return code != SQLITE_OK ? code : write_through(f, data, n, at);
    }
    return SQLITE_OK;
}
int layer_close(sqlite3_file* f) {
    const int written = write_gathered(f);
    delete std::exchange(reinterpret_cast<LayeredFile*>(f)->gathered, nullptr);
    const int closed = below(f)->pMethods->xClose(below(f));
    return written != SQLITE_OK ? written : closed;
}

/// For a scan: brings what surrounds the page into the system's cache with one access to the disk. What it says of the read is
/// of no account; the page itself is read, and checked, after that.
void read_along(sqlite3_file* f, sqlite3_int64 at) {
    thread_local std::array<char, read_along_bytes> window;
    sqlite3_int64& last = reinterpret_cast<LayeredFile*>(f)->window;
    const sqlite3_int64 from = at - at % sqlite3_int64{read_along_bytes / 2};
    if (from == last)
        return;
    last = from;
    (void)below(f)->pMethods->xRead(below(f), window.data(), static_cast<int>(window.size()), from);
}
int layer_read(sqlite3_file* f, void* data, int n, sqlite3_int64 at) {
    if (const int code = write_gathered(f); code != SQLITE_OK)
        return code;
    if (reading_along)
        read_along(f, at);
    return below(f)->pMethods->xRead(below(f), data, n, at);
}
int layer_truncate(sqlite3_file* f, sqlite3_int64 size) {
    const int code = write_gathered(f);
    return code != SQLITE_OK ? code : below(f)->pMethods->xTruncate(below(f), size);
}
int layer_sync(sqlite3_file* f, int flags) {
    if (const int code = write_gathered(f); code != SQLITE_OK)
        return code;
    if (const FileOps* files = ops(f))
        if (files->fault(FileOperation::database_sync) != 0)
            return SQLITE_IOERR_FSYNC;
    return below(f)->pMethods->xSync(below(f), flags);
}
int layer_size(sqlite3_file* f, sqlite3_int64* size) {
    const int code = write_gathered(f);
    return code != SQLITE_OK ? code : below(f)->pMethods->xFileSize(below(f), size);
}
int layer_lock(sqlite3_file* f, int level) {
    return below(f)->pMethods->xLock(below(f), level);
}
int layer_unlock(sqlite3_file* f, int level) {
    return below(f)->pMethods->xUnlock(below(f), level);
}
int layer_reserved(sqlite3_file* f, int* out) {
    return below(f)->pMethods->xCheckReservedLock(below(f), out);
}
int layer_control(sqlite3_file* f, int op, void* arg) {
    return below(f)->pMethods->xFileControl(below(f), op, arg);
}
int layer_sector(sqlite3_file* f) {
    return below(f)->pMethods->xSectorSize(below(f));
}
int layer_characteristics(sqlite3_file* f) {
    return below(f)->pMethods->xDeviceCharacteristics(below(f));
}
int layer_shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    errno = 0;
    const int code = below(f)->pMethods->xShmMap(below(f), page, size, extend, out);
    return code == SQLITE_IOERR_SHMSIZE && is_full(errno) ? SQLITE_FULL : code;
}
int layer_shm_lock(sqlite3_file* f, int offset, int n, int flags) {
    return below(f)->pMethods->xShmLock(below(f), offset, n, flags);
}
void layer_shm_barrier(sqlite3_file* f) {
    below(f)->pMethods->xShmBarrier(below(f));
}
int layer_shm_unmap(sqlite3_file* f, int remove) {
    return below(f)->pMethods->xShmUnmap(below(f), remove);
}
int layer_fetch(sqlite3_file*, sqlite3_int64, int, void** out) {
    *out = nullptr; // no memory map: a truncated file would be a SIGBUS
    return SQLITE_OK;
}
int layer_unfetch(sqlite3_file*, sqlite3_int64, void*) {
    return SQLITE_OK;
}

const sqlite3_io_methods methods = {3,
                                    layer_close,
                                    layer_read,
                                    layer_write,
                                    layer_truncate,
                                    layer_sync,
                                    layer_size,
                                    layer_lock,
                                    layer_unlock,
                                    layer_reserved,
                                    layer_control,
                                    layer_sector,
                                    layer_characteristics,
                                    layer_shm_map,
                                    layer_shm_lock,
                                    layer_shm_barrier,
                                    layer_shm_unmap,
                                    layer_fetch,
                                    layer_unfetch};

sqlite3_vfs* real_layer() {
    static sqlite3_vfs* const found = sqlite3_vfs_find("unix");
    return found;
}

int layer_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    auto* layered = reinterpret_cast<LayeredFile*>(file);
    layered->base.pMethods = nullptr;
    layered->files = files_of(name);
    layered->gathered = nullptr;
    layered->window = -1;
    const int code = real_layer()->xOpen(real_layer(), name, below(file), flags, out_flags);
    if (code != SQLITE_OK)
        return code;
    layered->base.pMethods = &methods;
    if ((flags & SQLITE_OPEN_WAL) != 0)
        layered->gathered = new (std::nothrow) Gathered(); // without it every write goes through
    return code;
}

sqlite3_vfs* make_layer() {
    static sqlite3_vfs layer;
    layer = *real_layer(); // all but opening is the layer below as it is
    layer.pNext = nullptr;
    layer.zName = "maild";
    layer.szOsFile = static_cast<int>(sizeof(LayeredFile)) + real_layer()->szOsFile;
    layer.xOpen = layer_open;
    sqlite3_vfs_register(&layer, 0);
    return &layer;
}

} // namespace

void watch_files(const std::string& path, const FileOps* files) {
    const std::lock_guard lock(watched().mutex);
    if (files == nullptr)
        watched().files.erase(path);
    else
        watched().files[path] = files;
}

ReadAlong::ReadAlong() { reading_along = true; }
ReadAlong::~ReadAlong() { reading_along = false; }

const char* file_layer() {
    static sqlite3_vfs* const layer = make_layer();
    return layer->zName;
}

} // namespace mail::store::sqlite
