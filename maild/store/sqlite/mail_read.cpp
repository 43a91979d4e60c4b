#include "maild/store/rules.hpp"
#include "maild/store/sqlite/readers.hpp"
#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/write_context.hpp"

#include <algorithm>

namespace mail::store::sqlite {

Result<AccountId> read_account(Database& db, std::string_view key) {
    Query query(db, "SELECT a.id FROM address AS k JOIN account AS a ON a.kind = k.kind AND a.name = k.name "
                    "AND a.removed IS NULL WHERE k.key = ?");
    MAIL_TRY(const bool row, query.bind(key).step());
    if (!row)
        return fail(ErrorCode::not_found, "no mailbox has this address");
    return query.integer(0);
}

Result<MailStore::Usage> read_usage(Database& db, AccountId account) {
    Query query(db,
                "SELECT coalesce(sum(bytes), 0), coalesce(sum(messages), 0) FROM folder WHERE account = ?");
    MAIL_TRY(const bool row, query.bind(account).step());
    return row ? MailStore::Usage{query.count(0), query.count(1)} : MailStore::Usage{};
}

Result<std::vector<Folder>> read_folders(Database& db, AccountId account) {
    std::vector<Folder> folders;
    Query query(db, "SELECT " MAIL_FOLDER_COLUMNS " FROM folder WHERE account = ? ORDER BY name");
    query.bind(account);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return folders;
        folders.push_back(folder_of(query));
    }
}

Result<Folder> read_folder(Database& db, FolderId id) {
    Query query(db, "SELECT " MAIL_FOLDER_COLUMNS " FROM folder WHERE id = ?");
    MAIL_TRY(const bool row, query.bind(id).step());
    if (!row)
        return fail(ErrorCode::not_found, "the folder does not exist");
    return folder_of(query);
}

Result<Folder> read_folder_named(Database& db, AccountId account, std::string_view name) {
    Query query(db, "SELECT " MAIL_FOLDER_COLUMNS " FROM folder WHERE account = ? AND name = ?");
    MAIL_TRY(const bool row, query.bind(account).bind(name).step());
    if (!row)
        return fail(ErrorCode::not_found, "the folder does not exist");
    return folder_of(query);
}

Result<std::vector<std::string>> read_subscriptions(Database& db, AccountId account) {
    std::vector<std::string> names;
    Query query(db, "SELECT name FROM subscription WHERE account = ? ORDER BY name");
    query.bind(account);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return names;
        names.push_back(query.string(0));
    }
}

Result<std::string> read_account_name(Database& db, AccountId account) {
    Query query(db, "SELECT name FROM account WHERE id = ? AND removed IS NULL");
    MAIL_TRY(const bool row, query.bind(account).step());
    if (!row)
        return fail(ErrorCode::not_found, "the account does not exist");
    return query.string(0);
}

namespace {
Result<std::vector<Attribute>> attributes_of(Query& query) {
    std::vector<Attribute> found;
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return found;
        found.push_back({query.integer(0), query.integer(1), query.string(2), query.string(3)});
    }
}
} // namespace

Result<std::vector<Attribute>> read_attributes(Database& db, AccountId account, FolderId folder) {
    Query query(db, "SELECT account, folder, name, value FROM attribute WHERE account = ? AND folder = ? "
                    "ORDER BY name");
    query.bind(account).bind(folder);
    return attributes_of(query);
}

Result<std::vector<Attribute>> read_attributes_named(Database& db, std::string_view name) {
    Query query(db, "SELECT account, folder, name, value FROM attribute WHERE name = ? ORDER BY account, folder");
    query.bind(name);
    return attributes_of(query);
}

Result<void> read_rows(Database& db, FolderId folder, UidRange uids, std::size_t most, std::vector<ItemRow>& out) {
    Query query(db, "SELECT uid, flags, keywords, modseq, internal_date, size FROM item "
                    "WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?");
    query.bind(folder).bind(uids.first).bind(uids.last).bind(std::uint64_t{most});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return {};
        ItemRow& item = out.emplace_back();
        item.uid = query.as<Uid>(0);
        item.flags = query.as<std::uint8_t>(1);
        item.keywords = query.text(2);
        item.modseq = query.count(3);
        item.internal_date = query.time(4);
        item.size = query.as<std::uint32_t>(5);
    }
}

Result<std::vector<ItemBody>> read_bodies(Database& db, FolderId id, const UidSet& uids, std::size_t limit) {
    std::vector<ItemBody> bodies;
    for (const UidRange& range : uids) {
        Query query(
            db, "SELECT i.uid, b.message, i.prefix, b.id, b.segment, b.offset, b.length, b.checksum, i.saved "
                "FROM item AS i JOIN blob AS b ON b.id = i.blob "
                "WHERE i.folder = ? AND i.uid BETWEEN ? AND ? ORDER BY i.uid");
        query.bind(id).bind(range.first).bind(range.last);
        while (bodies.size() < limit) {
            MAIL_TRY(const bool row, query.step());
            if (!row)
                break;
            ItemBody& body = bodies.emplace_back();
            body.uid = query.as<Uid>(0);
            body.id = query.id(1);
            body.prefix = query.text(2);
            body.blob = {query.integer(3), query.as<std::uint32_t>(4), query.count(5), query.count(6),
                         query.as<std::uint32_t>(7)};
            body.saved = query.time(8);
        }
    }
    return bodies;
}

Result<BlobRef> read_place(Database& db, BlobId blob) {
    Query query(db, "SELECT id, segment, offset, length, checksum FROM blob WHERE id = ?");
    MAIL_TRY(const bool row, query.bind(blob).step());
    if (!row)
        return fail(ErrorCode::not_found, "the message is gone");
    return BlobRef{query.integer(0), query.as<std::uint32_t>(1), query.count(2), query.count(3), query.as<std::uint32_t>(4)};
}

Result<SpaceReport> read_space(Database& db, unsigned compact_percent) {
    SpaceReport report;
    Query query(db, "SELECT used, live_bytes, id < (SELECT max(id) FROM segment) FROM segment");
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return report;
        const std::uint64_t used = query.count(0);
        const std::uint64_t live = query.count(1);
        ++report.segments;
        report.segment_bytes += used;
        report.live_bytes += live;
        if (query.integer(2) != 0 && live * 100 < used * compact_percent) {
            ++report.thin_segments;
            report.reclaimable += used - live;
        }
    }
}

Result<MailStore::BlobPage> read_blobs(Database& db, BlobId after, std::size_t limit) {
    MailStore::BlobPage page;
    MAIL_TRY(page.last, db.integer("SELECT coalesce(max(value), 0) FROM counter WHERE name = 'blob'"));
    Query query(db, "SELECT b.id, b.segment, b.offset, b.length, b.checksum, d.blob IS NOT NULL "
                    "FROM blob AS b LEFT JOIN derived AS d ON d.blob = b.id WHERE b.id > ? ORDER BY b.id LIMIT ?");
    query.bind(after).bind(std::uint64_t{limit});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return page;
        page.blobs.push_back({{query.integer(0), query.as<std::uint32_t>(1), query.count(2), query.count(3),
                               query.as<std::uint32_t>(4)},
                              query.integer(5) != 0});
    }
}

Result<std::vector<MailStore::DerivedRow>> read_derived(Database& db, FolderId id, const UidSet& uids,
                                                        std::size_t limit) {
    std::vector<MailStore::DerivedRow> rows;
    for (const UidRange& range : uids) {
        Query query(db, "SELECT i.uid, coalesce(d.blob, 0), d.envelope, d.body, d.bodystructure, d.facts "
                        "FROM item AS i LEFT JOIN derived AS d ON d.blob = i.blob "
                        "WHERE i.folder = ? AND i.uid BETWEEN ? AND ? ORDER BY i.uid");
        query.bind(id).bind(range.first).bind(range.last);
        while (rows.size() < limit) {
            MAIL_TRY(const bool row, query.step());
            if (!row)
                break;
            rows.push_back(
                {query.as<Uid>(0),
                 {query.integer(1), query.string(2), query.string(3), query.string(4), query.string(5)}});
        }
    }
    return rows;
}

} // namespace mail::store::sqlite
