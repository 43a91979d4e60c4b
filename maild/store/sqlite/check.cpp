// `maild check`: reads everything once and compares. Runs offline, so that nothing moves meanwhile.
#include "common/crypto/checksum.hpp"
#include "maild/store/segments.hpp"
#include "maild/store/sqlite/layout.hpp"
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

constexpr const char* reference_sql =
    "SELECT 'message bytes ' || b.id || ' have ' || b.refs || ' references, counted ' || coalesce(r.n, 0) "
    "FROM blob AS b LEFT JOIN (SELECT blob, count(*) AS n FROM (SELECT blob FROM item UNION ALL "
    "SELECT blob FROM recoverable UNION ALL SELECT blob FROM queue_message) GROUP BY blob) AS r ON r.blob = "
    "b.id "
    "WHERE b.refs <> coalesce(r.n, 0)";
constexpr const char* dangling_sql =
    "SELECT 'item ' || uid || ' of folder ' || folder || ' has no bytes' FROM item WHERE blob NOT IN (SELECT "
    "id FROM blob) "
    "UNION ALL SELECT 'recoverable item ' || id || ' has no bytes' FROM recoverable WHERE blob NOT IN "
    "(SELECT id FROM blob) "
    "UNION ALL SELECT 'queued message ' || id || ' has no bytes' FROM queue_message WHERE blob NOT IN "
    "(SELECT id FROM blob) "
    "UNION ALL SELECT 'item ' || uid || ' is in folder ' || folder || ', which does not exist' FROM item "
    "WHERE folder NOT IN (SELECT id FROM folder)";
constexpr const char* recoverable_sql =
    "SELECT 'account ' || coalesce(u.account, r.account) || ' counts ' || coalesce(u.items, 0) || ' recoverable items and ' || "
    "coalesce(u.bytes, 0) || ' bytes, but has ' || coalesce(r.n, 0) || ' and ' || coalesce(r.b, 0) FROM recoverable_use AS u "
    "FULL JOIN (SELECT account, count(*) AS n, sum(size) AS b FROM recoverable GROUP BY account) AS r ON r.account = u.account "
    "WHERE coalesce(u.items, 0) <> coalesce(r.n, 0) OR coalesce(u.bytes, 0) <> coalesce(r.b, 0)";
constexpr const char* folder_sql =
    "SELECT 'folder ' || f.id || ' counts ' || f.messages || ' items, ' || f.unseen || ' unseen and ' || "
    "f.bytes || "
    "' bytes, but holds ' || coalesce(i.n, 0) || ', ' || coalesce(i.u, 0) || ' and ' || coalesce(i.b, 0) "
    "FROM folder AS f LEFT JOIN (SELECT folder, count(*) AS n, sum((flags & 1) = 0) AS u, sum(size) AS b, "
    "max(uid) AS top, "
    "max(modseq) AS m FROM item GROUP BY folder) AS i ON i.folder = f.id WHERE f.messages <> coalesce(i.n, "
    "0) OR "
    "f.unseen <> coalesce(i.u, 0) OR f.bytes <> coalesce(i.b, 0) OR f.uid_next <= coalesce(i.top, 0) OR "
    "f.modseq < coalesce(i.m, 0)";
constexpr const char* segment_sql =
    "SELECT 'segment ' || coalesce(s.id, b.segment) || ' counts ' || coalesce(s.live_blobs, 0) || ' messages "
    "and ' || "
    "coalesce(s.live_bytes, 0) || ' bytes, but holds ' || coalesce(b.n, 0) || ' and ' || coalesce(b.l, 0) "
    "FROM segment AS s FULL JOIN (SELECT segment, count(*) AS n, sum(length) AS l, max(offset + length) AS "
    "top FROM blob "
    "GROUP BY segment) AS b ON b.segment = s.id WHERE coalesce(s.live_blobs, 0) <> coalesce(b.n, 0) OR "
    "coalesce(s.live_bytes, 0) <> coalesce(b.l, 0) OR coalesce(s.used, 0) < coalesce(b.top, 0)";
constexpr const char* queue_sql = "SELECT 'queue of ' || domain || ' waits until ' || coalesce(due, 'never') "
                                  "|| ', but its first item is due at ' || "
                                  "coalesce(first, 'no time') FROM (SELECT coalesce(d.domain, i.domain) AS "
                                  "domain, d.due AS due, i.first AS first "
                                  "FROM queue_domain AS d FULL JOIN (SELECT domain, min(next_attempt) AS "
                                  "first FROM queue_item WHERE status IN (0, 2) "
                                  "GROUP BY domain) AS i ON i.domain = d.domain) WHERE due IS NOT first";
constexpr const char* index_sql =
    "SELECT 'address ' || key || ' leads to ' || kind || ' ' || name || ', which does not exist' FROM "
    "address "
    "WHERE NOT EXISTS (SELECT 1 FROM resource AS r WHERE r.kind = address.kind AND r.name = address.name)";

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

Result<CheckReport> check_store(const std::string& path, bool drop_derived) {
    using namespace sqlite;
    MAIL_TRY(const Directory directory, Directory::lock(path, false));
    if (!std::filesystem::exists(directory.database()))
        return fail(ErrorCode::unavailable, "there is no store in " + path, "check the path");
    MAIL_TRY(const auto database, Database::open(directory.database(), Database::Mode::write));
    MAIL_TRY(const std::int64_t version, database->integer("PRAGMA user_version"));
    if (version != newest_version())
        return fail(ErrorCode::unsupported,
                    "the store in " + path + " has version " + std::to_string(version) +
                        ", this maild knows version " + std::to_string(newest_version()),
                    "run maild once to bring it up to date, or install a newer maild");
    CheckReport report;
    MAIL_DO(check_database(*database, report));
    // What a start after a crash would do first.
    MAIL_DO(replay_bodies(*database, directory, FileOps()));
    MAIL_DO(check_blobs(*database, directory, report));
    for (const char* sql : {reference_sql, dangling_sql, recoverable_sql, folder_sql, segment_sql, queue_sql, index_sql}) {
        MAIL_DO(expect_none(*database, sql, report));
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
