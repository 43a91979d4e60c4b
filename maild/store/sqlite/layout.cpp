#include "maild/store/sqlite/layout.hpp"

#include "common/base/log.hpp"
#include "maild/store/segments.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <sqlite3.h>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::store::sqlite {
namespace {

// One element per file of maild/store/migrations, in order; made by CMake.
constexpr std::string_view migrations[] = {
#include "maild/store/migrations.inc"
};
constexpr auto check_time = std::chrono::seconds(1);
constexpr std::int64_t largest_checked = std::int64_t{512} << 20;

Failure cannot(const std::string& what, int error) {
    return fail(ErrorCode::unavailable, "cannot " + what + ": " + std::generic_category().message(error),
                "check that the directory exists and belongs to the user maild runs as");
}

} // namespace

Result<Directory> Directory::lock(const std::string& path, bool make) {
    if (make && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return cannot("make " + path, errno);
    Directory directory;
    directory.lock_ = FileHandle(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.lock_)
        return cannot("open " + path, errno);
    if (::flock(directory.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return fail(ErrorCode::conflict, "another maild uses the store in " + path, "stop it first");
        return cannot("lock " + path, errno);
    }
    std::error_code error;
    directory.path_ = std::filesystem::canonical(path, error).string();
    if (error)
        return cannot("resolve " + path, error.value());
    return directory;
}

Result<void> find_database(const Directory& directory) {
    namespace fs = std::filesystem;
    std::error_code error;
    const auto bytes_in = [&](const std::string& path) {
        const auto size = fs::file_size(path, error);
        return error ? std::uintmax_t{0} : size;
    };
    // An empty file is what a crash leaves in the first moment of a new store, before there are segments.
    if (bytes_in(directory.database()) != 0)
        return {};
    std::string left = bytes_in(directory.database() + "-wal") != 0 ? directory.database() + "-wal" : "";
    for (const auto& entry : fs::directory_iterator(directory.segments(), error))
        if (entry.path().extension() == ".segment")
            left = entry.path().string();
    if (left.empty())
        return {};
    return fail(ErrorCode::unavailable, "the database " + directory.database() + " is missing, but " + left + " is there",
                "put the database back, or restore both from a backup; to begin anew, move everything away");
}

int newest_version() noexcept {
    return static_cast<int>(std::size(migrations));
}

Result<void> migrate(Database& database, const Directory& directory) {
    MAIL_TRY(const std::int64_t version, database.integer("PRAGMA user_version"));
    if (version > newest_version())
        return fail(ErrorCode::unsupported,
                    "the store in " + directory.path() + " has version " + std::to_string(version) +
                        ", this maild knows version " + std::to_string(newest_version()),
                    "install a maild that knows store version " + std::to_string(version));
    if (version == newest_version())
        return {};
    if (version > 0) {
        // The way back: an older maild can go on with the snapshot.
        const std::string snapshot = directory.database() + ".version-" + std::to_string(version);
        std::error_code ignored;
        std::filesystem::remove(snapshot, ignored);
        MAIL_DO(Query(database, std::string("VACUUM INTO ?")).bind(snapshot).run());
    }
    for (std::int64_t next = version; next < newest_version(); ++next) {
        std::string sql = "BEGIN IMMEDIATE;";
        sql += migrations[next];
        sql += "PRAGMA user_version=" + std::to_string(next + 1) + "; COMMIT;";
        if (auto done = database.execute(sql); !done) {
            database.rollback();
            return done;
        }
    }
    if (version > 0)
        log(Event::store_migrated, {{"from", version}, {"to", newest_version()}});
    return {};
}

Result<void> replay_bodies(Database& database, const Directory& directory, const FileOps& files) {
    std::map<std::uint32_t, FileHandle> written;
    {
        Query query(
            database,
            "SELECT b.segment, b.offset, j.bytes FROM body_journal AS j JOIN blob AS b ON b.id = j.blob");
        for (;;) {
            MAIL_TRY(const bool row, query.step());
            if (!row)
                break;
            FileHandle& file = written[query.as<std::uint32_t>(0)];
            const std::string path = segment_path(directory.segments(), query.as<std::uint32_t>(0));
            if (!file)
                file = FileHandle(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
            if (!file)
                return file_failure("cannot open " + path, errno);
            MAIL_DO(files.write(file.get(), query.text(2), query.count(1)));
        }
    }
    for (const auto& [segment, file] : written) {
        MAIL_DO(files.sync(file.get()));
    }
    return Query(database, "DELETE FROM body_journal").run();
}

Result<void> check_after_crash(Database& database) {
    MAIL_TRY(const std::int64_t pages, database.integer("PRAGMA page_count"));
    if (pages * 4096 > largest_checked)
        return {};
    using clock = std::chrono::steady_clock;
    clock::time_point end = clock::now() + check_time;
    const auto enough = [](void* at) { return clock::now() > *static_cast<clock::time_point*>(at) ? 1 : 0; };
    sqlite3_progress_handler(database.handle(), 100'000, enough, &end);
    {
        Query query(database, "PRAGMA quick_check(10)");
        for (;;) {
            auto row = query.step();
            if (!row || !*row)
                break; // out of time, or through
            if (query.text(0) != "ok")
                log(Event::store_damaged, {{"problem", query.text(0)}});
        }
    }
    sqlite3_progress_handler(database.handle(), 0, nullptr, nullptr);
    return {};
}

} // namespace mail::store::sqlite
