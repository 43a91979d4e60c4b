// `maild check`: reads everything once and compares. Runs offline, so that nothing moves meanwhile.
#include "common/crypto/checksum.hpp"
#include "maild/store/segments.hpp"
#include "maild/store/sqlite/check_rules.hpp"
#include "maild/store/sqlite/layout.hpp"
#include "maild/store/sqlite/log_check.hpp"
#include "maild/store/sqlite/packs.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <filesystem>

namespace mail::store {
namespace sqlite {
namespace {

constexpr std::size_t most_listed = 1000;
constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;

void problem(CheckReport& report, std::string text) {
    ++report.problem_count;
    if (report.problems.size() < most_listed)
        report.problems.push_back(std::move(text));
}

Result<void> check_database(Database& db, CheckReport& report) {
    Query query(db, "PRAGMA integrity_check(100)");
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return {};
        if (query.text(0) != "ok")
            problem(report, "database: " + query.string(0));
    }
}

Result<void> check_bytes(const Directory& directory, const FileOps& files, const BlobRef& blob,
                         CheckReport& report) {
    const std::string path = segment_path(directory.segments(), blob.segment);
    const FileHandle file = open_to_read(path);
    const std::string where =
        "message bytes " + std::to_string(blob.id) + " in " + path + " at " + std::to_string(blob.offset);
    if (!file) {
        problem(report, where + ": the segment is missing");
        return {};
    }
    std::uint32_t checksum = 0;
    std::uint64_t done = 0;
    while (done < blob.length) {
        auto piece = files.read(file.get(), blob.offset + done, std::min(piece_bytes, blob.length - done));
        if (!piece || piece->empty())
            break;
        checksum = crypto::crc32c(*piece, checksum);
        done += piece->size();
    }
    if (done < blob.length)
        problem(report, where + ": the segment ends before them");
    else if (checksum != blob.checksum)
        problem(report, where + ": the checksum does not match");
    return {};
}

Result<void> check_blobs(Database& db, const Directory& directory, CheckReport& report) {
    const FileOps files;
    // In the order they lie on the disk.
    Query query(db, "SELECT id, segment, offset, length, checksum FROM blob ORDER BY segment, offset");
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return {};
        const BlobRef blob{query.integer(0), query.as<std::uint32_t>(1), query.count(2), query.count(3),
                           query.as<std::uint32_t>(4)};
        ++report.blobs;
        report.bytes += blob.length;
        MAIL_DO(check_bytes(directory, files, blob, report));
    }
}

/// Every row of the result is a disagreement; its text is the first column.
Result<void> expect_none(Database& db, const char* sql, CheckReport& report) {
    Query query(db, sql);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return {};
        problem(report, query.string(0));
    }
}

constexpr const char* dangling_sql =
    "SELECT 'item ' || uid || ' of folder ' || folder || ' has no bytes' FROM item WHERE blob NOT IN (SELECT "
    "id FROM blob) "
    "UNION ALL SELECT 'recoverable item ' || id || ' has no bytes' FROM recoverable WHERE blob NOT IN "
    "(SELECT id FROM blob) "
    "UNION ALL SELECT 'queued message ' || id || ' has no bytes' FROM queue_message WHERE blob NOT IN "
    "(SELECT id FROM blob) "
    "UNION ALL SELECT 'item ' || uid || ' is in folder ' || folder || ', which does not exist' FROM item "
    "WHERE folder NOT IN (SELECT id FROM folder)";
/// Bytes that a start after a crash writes over those in the segment: they had better be right.
Result<void> check_journal(Database& db, CheckReport& report) {
    Query query(db, "SELECT b.id, b.length, b.checksum, j.bytes FROM body_journal AS j JOIN blob AS b ON b.id = j.blob");
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return {};
        const std::string_view bytes = query.text(3);
        if (bytes.size() != query.count(1) || crypto::crc32c(bytes) != query.as<std::uint32_t>(2))
            problem(report, "journal of message bytes " + query.string(0) + ": the checksum does not match");
    }
}

Result<void> check_rows(Database& db, CheckReport& report) {
    for (const CheckRule& rule : check_rules()) {
        MAIL_DO(expect_none(db, rule.disagreements, report));
    }
    return {};
}

Result<void> repair_rows(Database& db) {
    std::string sql = "BEGIN IMMEDIATE;";
    for (const CheckRule& rule : check_rules())
        if (rule.repair != nullptr)
            sql += std::string(rule.repair) + ";";
    sql += "COMMIT;";
    auto done = db.execute(sql);
    if (!done)
        db.rollback();
    return done;
}

/// Puts right what loses nothing, and counts what is left.
Result<void> repair(Database& db, std::uint64_t beyond_repair, CheckReport& report) {
    if (report.problem_count == beyond_repair)
        return {};
    MAIL_DO(repair_rows(db));
    CheckReport after;
    MAIL_DO(check_rows(db, after));
    const std::uint64_t left = beyond_repair + after.problem_count;
    report.repaired = report.problem_count - std::min(left, report.problem_count);
    report.problem_count = left;
    return {};
}

Result<void> count_orphans(Database& db, const Directory& directory, CheckReport& report) {
    std::uint64_t on_disk = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory.segments(), error)) {
        ++report.segments;
        on_disk += entry.is_regular_file() ? entry.file_size() : 0;
    }
    // The newest segment is preallocated: what lies after its used part is room, not orphans.
    MAIL_TRY(const std::int64_t used, db.integer("SELECT coalesce(sum(used), 0) FROM segment"));
    const std::uint64_t written = std::min(on_disk, static_cast<std::uint64_t>(used));
    report.orphan_bytes = written > report.bytes ? written - report.bytes : 0;
    MAIL_TRY(const std::int64_t derived, db.integer("SELECT (SELECT count(*) FROM derived) + (SELECT count(*) FROM folder_pack)"));
    report.derived_rows = static_cast<std::uint64_t>(derived);
    return {};
}

} // namespace
} // namespace sqlite

Result<CheckReport> check_store(const std::string& path, bool drop_derived, bool with_repair) {
    using namespace sqlite;
    MAIL_TRY(const Directory directory, Directory::lock(path, false));
    if (!std::filesystem::exists(directory.database()))
        return fail(ErrorCode::unavailable, "there is no store in " + path, "check the path");
    MAIL_TRY(const LogState log_found, read_log(directory.database() + "-wal")); // before it is opened, which mends it
    MAIL_TRY(const auto database, Database::open(directory.database(), Database::Mode::write));
    MAIL_TRY(const std::int64_t version, database->integer("PRAGMA user_version"));
    if (version != newest_version())
        return fail(ErrorCode::unsupported,
                    "the store in " + path + " has version " + std::to_string(version) +
                        ", this maild knows version " + std::to_string(newest_version()),
                    "run maild once to bring it up to date, or install a newer maild");
    CheckReport report;
    if (std::string lost = problem_of(log_found); !lost.empty())
        problem(report, std::move(lost));
    MAIL_DO(check_database(*database, report));
    const bool database_is_whole = report.healthy();
    MAIL_DO(check_journal(*database, report));
    // What a start after a crash would do first.
    MAIL_DO(replay_bodies(*database, directory, FileOps()));
    MAIL_DO(check_blobs(*database, directory, report));
    const std::uint64_t damaged = report.problem_count;
    MAIL_DO(expect_none(*database, dangling_sql, report));
    const std::uint64_t beyond_repair = report.problem_count;
    MAIL_DO(check_rows(*database, report));
    // Of a damaged database nothing that is read can be relied on; and where rows have lost their bytes, bytes without a row
    // may be theirs.
    if (with_repair && database_is_whole && beyond_repair == damaged) {
        MAIL_DO(repair(*database, beyond_repair, report));
    }
    MAIL_TRY(auto packs, check_packs(*database));
    for (std::string& one : packs)
        problem(report, std::move(one));
    MAIL_DO(count_orphans(*database, directory, report));
    if (drop_derived) {
        MAIL_DO(Query(*database, "DELETE FROM folder_pack").run());
        MAIL_DO(Query(*database, "DELETE FROM derived").run());
    }
    return report;
}

} // namespace mail::store
