// One SQLite connection and its prepared statements, with errors as Result. A connection is used by one
// thread at a time. Fatal errors (I/O, corruption) are remembered by the connection: the writer gives up on
// them, readers report. Private to store/sqlite, the only folder that knows SQLite.
#pragma once

#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace mail::store {
class FileOps;
}

namespace mail::store::sqlite {

class Database {
  public:
    enum class Mode : std::uint8_t { write, read };
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs statements without results.
    [[nodiscard]] Result<void> execute(const std::string& sql);
    /// The first column of the first row.
    [[nodiscard]] Result<std::int64_t> integer(const char* sql);
    /// Ends a transaction if one is open, whatever it did.
    void rollback() noexcept;
    [[nodiscard]] bool in_transaction() const noexcept;
    /// An I/O error or corruption was seen.
    [[nodiscard]] bool fatal() const noexcept { return fatal_; }
    [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }
    /// A prepared statement for `sql`, a literal: its address is its key.
    [[nodiscard]] Result<sqlite3_stmt*> cached(const char* sql);
    [[nodiscard]] Result<sqlite3_stmt*> prepare(const std::string& sql, bool keep);
    [[nodiscard]] Failure failure(int code);

  private:
    Database() = default;
    sqlite3* handle_ = nullptr;
    bool fatal_ = false;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

/// One run of a statement: bind in order, step, read columns. Resets the statement at its end.
class Query {
  public:
    /// `sql` must be a literal; the statement is kept for the next time.
    Query(Database& database, const char* sql);
    /// Any text, prepared for this one run.
    Query(Database& database, const std::string& sql);
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    Query& bind(std::int64_t value);
    Query& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
    Query& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
    Query& bind(unsigned value) { return bind(static_cast<std::int64_t>(value)); }
    Query& bind(bool value) { return bind(static_cast<std::int64_t>(value)); }
    Query& bind(Time value) { return bind(to_micros(value)); }
    /// Text must live until the statement is reset.
    Query& bind(std::string_view value);
    Query& bind(const std::string& value) { return bind(std::string_view(value)); }
    Query& bind(const char* value) { return bind(std::string_view(value)); }
    Query& blob(std::string_view value);
    Query& bind(const Id& value) { return blob(value.raw()); }
    Query& null();

    /// True: there is a row.
    [[nodiscard]] Result<bool> step();
    /// Runs to the end; rows are dropped.
    [[nodiscard]] Result<void> run();
    /// Runs again with new values.
    void again();

    [[nodiscard]] std::int64_t integer(int column) const noexcept;
    [[nodiscard]] std::uint64_t count(int column) const noexcept {
        return static_cast<std::uint64_t>(integer(column));
    }
    template <class T> [[nodiscard]] T as(int column) const noexcept {
        return static_cast<T>(integer(column));
    }
    [[nodiscard]] Time time(int column) const noexcept { return from_micros(integer(column)); }
    /// Valid until the next step.
    [[nodiscard]] std::string_view text(int column) const noexcept;
    [[nodiscard]] std::string string(int column) const { return std::string(text(column)); }
    [[nodiscard]] Id id(int column) const noexcept { return Id::from_raw(text(column)); }
    [[nodiscard]] bool is_null(int column) const noexcept;

  private:
    Database& database_;
    sqlite3_stmt* statement_ = nullptr;
    Error error_;
    int code_ = 0;
    int next_ = 0;
    bool own_ = false;
};

/// Routes the connections of this process through the store's FileOps, so that tests can let writes and syncs
/// fail. `files` must outlive every connection opened on `path`.
void watch_files(const std::string& path, const FileOps* files);
/// While it lives, what this thread reads of a database brings its surroundings into the system's cache: for scans whose pages
/// lie in small groups all over the file, on a disk that answers one question as slowly as another.
class ReadAlong {
  public:
    ReadAlong();
    ~ReadAlong();
    ReadAlong(const ReadAlong&) = delete;
    ReadAlong& operator=(const ReadAlong&) = delete;
};
/// Name of the file layer to open connections with.
[[nodiscard]] const char* file_layer();

} // namespace mail::store::sqlite
