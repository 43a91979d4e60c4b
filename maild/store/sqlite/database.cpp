#include "maild/store/sqlite/database.hpp"

#include "maild/store/file_ops.hpp"

#include <mutex>
#include <sqlite3.h>

namespace mail::store::sqlite {
namespace {

void configure_once() {
    static std::once_flag once;
    std::call_once(once, [] {
        // One thread per connection; the memory statistics would put one lock around every allocation.
        sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
    });
}

/// Text of a statement without a null pointer: SQLite takes one for NULL.
const char* data_of(std::string_view text) {
    return text.data() != nullptr ? text.data() : "";
}

} // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode) {
    configure_once();
    std::unique_ptr<Database> database(new Database());
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::write ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path.c_str(), &database->handle_, flags, file_layer());
    const auto refuse = [&](Error error) {
        error.message = path + ": " + error.message;
        if (database->fatal())
            error.hint = "check that it is whole and belongs to the user maild runs as";
        return fail(std::move(error));
    };
    if (code != SQLITE_OK)
        return refuse(database->failure(code).error);
    sqlite3_extended_result_codes(database->handle_, 1);
    sqlite3_busy_timeout(database->handle_, 10'000);
    sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // Closing must not sync behind the back of a writer that has seen a sync fail; a clean end does it
    // explicitly.
    sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    std::string setup = "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
                        "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0;";
    // A commit after which pages were split makes SQLite look at every cached page: a larger cache costs more with
    // every commit than it saves, since the kernel holds the file anyway.
    if (mode == Mode::write)
        setup += "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=268435456; PRAGMA cache_size=-8192;";
    else
        setup += "PRAGMA query_only=ON; PRAGMA cache_size=-4096;";
    if (auto ready = database->execute(setup); !ready)
        return refuse(std::move(ready).error());
    return database;
}

Database::~Database() {
    for (const auto& [sql, statement] : statements_)
        sqlite3_finalize(statement);
    sqlite3_close_v2(handle_);
}

Failure Database::failure(int code) {
    std::string message = "database: ";
    message += handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    const int primary = code == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : code & 0xff; // the disk is not at fault
    const int system = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
    // A sync that fails for want of room has lost pages like any other: nothing to try again.
    const bool sync = code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
    if (primary == SQLITE_FULL || (primary == SQLITE_IOERR && !sync && is_full(system)))
        return fail(ErrorCode::no_space, std::move(message), "free disk space");
    switch (primary) {
    case SQLITE_CONSTRAINT:
        return fail(ErrorCode::conflict, std::move(message));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT: // a read that took too long
        return fail(ErrorCode::temporary, std::move(message), "try again later");
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        fatal_ = true;
        return fail(ErrorCode::internal, std::move(message), "check the disk");
    default:
        return fail(ErrorCode::internal, std::move(message));
    }
}

Result<void> Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        return failure(code);
    return {};
}

Result<std::int64_t> Database::integer(const char* sql) {
    Query query(*this, sql);
    MAIL_TRY(const bool row, query.step());
    if (!row)
        return fail(ErrorCode::not_found, "no row");
    return query.integer(0);
}

void Database::rollback() noexcept {
    if (in_transaction())
        sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool Database::in_transaction() const noexcept {
    return sqlite3_get_autocommit(handle_) == 0;
}

Result<sqlite3_stmt*> Database::prepare(const std::string& sql, bool keep) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        keep ? SQLITE_PREPARE_PERSISTENT : 0, &statement, nullptr);
    if (code != SQLITE_OK)
        return failure(code);
    return statement;
}

Result<sqlite3_stmt*> Database::cached(const char* sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end())
        return found->second;
    MAIL_TRY(sqlite3_stmt * statement, prepare(sql, true));
    statements_.emplace(sql, statement);
    return statement;
}

Query::Query(Database& database, const char* sql) : database_(database) {
    auto statement = database.cached(sql);
    if (!statement) {
        error_ = std::move(statement).error();
        code_ = SQLITE_ERROR;
        return;
    }
    statement_ = *statement;
}

Query::Query(Database& database, const std::string& sql) : database_(database), own_(true) {
    auto statement = database.prepare(sql, false);
    if (!statement) {
        error_ = std::move(statement).error();
        code_ = SQLITE_ERROR;
        return;
    }
    statement_ = *statement;
}

Query::~Query() {
    if (own_)
        sqlite3_finalize(statement_);
    else if (statement_ != nullptr)
        sqlite3_reset(statement_);
}

Query& Query::bind(std::int64_t value) {
    if (code_ == SQLITE_OK)
        code_ = sqlite3_bind_int64(statement_, ++next_, value);
    return *this;
}

Query& Query::bind(std::string_view value) {
    if (code_ == SQLITE_OK)
        code_ = sqlite3_bind_text64(statement_, ++next_, data_of(value), value.size(), SQLITE_STATIC,
                                    SQLITE_UTF8);
    return *this;
}

Query& Query::blob(std::string_view value) {
    if (code_ == SQLITE_OK)
        code_ = sqlite3_bind_blob64(statement_, ++next_, data_of(value), value.size(), SQLITE_STATIC);
    return *this;
}

Query& Query::null() {
    if (code_ == SQLITE_OK)
        code_ = sqlite3_bind_null(statement_, ++next_);
    return *this;
}

Result<bool> Query::step() {
    if (statement_ == nullptr)
        return fail(error_);
    if (code_ != SQLITE_OK)
        return database_.failure(code_);
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE)
        return false;
    return database_.failure(code);
}

Result<void> Query::run() {
    for (;;) {
        MAIL_TRY(const bool row, step());
        if (!row)
            return {};
    }
}

void Query::again() {
    if (statement_ != nullptr)
        sqlite3_reset(statement_);
    next_ = 0;
}

std::int64_t Query::integer(int column) const noexcept {
    return sqlite3_column_int64(statement_, column);
}

std::string_view Query::text(int column) const noexcept {
    const void* data = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string_view()
                           : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

bool Query::is_null(int column) const noexcept {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

} // namespace mail::store::sqlite
