// RecoveryStore on the embedded engine.
#include "maild/store/sqlite/engine.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

constexpr std::size_t short_read = 500; ///< rows; more are read on the pool

#define MAIL_RECOVERABLE_COLUMNS                                                                                              \
    "r.id, r.folder, r.folder_name, r.uid, r.flags, r.keywords, r.internal_date, r.saved, r.expunged, r.size, r.prefix, "      \
    "b.id, b.segment, b.offset, b.length, b.checksum FROM recoverable AS r JOIN blob AS b ON b.id = r.blob "

RecoverableItem recoverable_of(const Query& query) {
    RecoverableItem item;
    item.id = query.integer(0);
    item.folder = query.integer(1);
    item.folder_name = query.string(2);
    item.uid = query.as<Uid>(3);
    item.flags = query.as<std::uint8_t>(4);
    item.keywords = query.string(5);
    item.internal_date = query.time(6);
    item.saved = query.time(7);
    item.expunged = query.time(8);
    item.size = query.as<std::uint32_t>(9);
    item.prefix = query.string(10);
    item.blob = {query.integer(11), query.as<std::uint32_t>(12), query.count(13), query.count(14), query.as<std::uint32_t>(15)};
    return item;
}

Result<std::vector<RecoverableItem>> read_by_id(Database& db, AccountId account, const std::vector<RecoverableId>& ids) {
    std::vector<RecoverableItem> items;
    for (const RecoverableId id : ids) {
        Query query(db, "SELECT " MAIL_RECOVERABLE_COLUMNS "WHERE r.id = ? AND r.account = ?");
        MAIL_TRY(const bool row, query.bind(id).bind(account).step());
        if (row)
            items.push_back(recoverable_of(query));
    }
    return items;
}

Result<std::vector<RecoverableItem>> read_recoverable(Database& db, AccountId account, const RecoverablePage& page) {
    if (!page.ids.empty())
        return read_by_id(db, account, page.ids);
    std::vector<RecoverableItem> items;
    Query query(db, page.newest_first
                        ? "SELECT " MAIL_RECOVERABLE_COLUMNS "WHERE r.account = ? AND r.id < ? ORDER BY r.id DESC LIMIT ?"
                        : "SELECT " MAIL_RECOVERABLE_COLUMNS "WHERE r.account = ? AND r.id > ? ORDER BY r.id LIMIT ?");
    const RecoverableId from = page.newest_first && page.beyond == 0 ? INT64_MAX : page.beyond;
    query.bind(account).bind(from).bind(std::uint64_t{page.limit});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return items;
        items.push_back(recoverable_of(query));
    }
}

AccountKeeping keeping_of(const Query& query, int column) {
    return {Duration{query.integer(column)}, query.count(column + 1), query.time(column + 2)};
}

Result<RecoverableUse> read_use(Database& db, AccountId account) {
    RecoverableUse use;
    Query query(db, "SELECT a.recoverable_keep, a.recoverable_size, a.held_until, a.held_since, coalesce(u.items, 0), "
                    "coalesce(u.bytes, 0), (SELECT expunged FROM recoverable WHERE account = a.id ORDER BY id LIMIT 1) "
                    "FROM account AS a LEFT JOIN recoverable_use AS u ON u.account = a.id WHERE a.id = ?");
    MAIL_TRY(const bool row, query.bind(account).step());
    if (!row)
        return fail(ErrorCode::not_found, "the account does not exist");
    use.keeping = keeping_of(query, 0);
    if (query.integer(3) != 0)
        use.held_since = query.time(3);
    use.items = query.count(4);
    use.bytes = query.count(5);
    if (!query.is_null(6))
        use.oldest = query.time(6);
    return use;
}

/// By the time of arrival in the folder UIDs ascend, so that the first item too young ends the walk.
Result<OldItems> read_old(Database& db, const AgeRule& rule, std::size_t limit) {
    MAIL_DO(read_folder(db, rule.folder));
    OldItems old;
    const bool saved = rule.age == AgeOf::saved;
    Query query(db, saved ? "SELECT uid, size, saved FROM item WHERE folder = ? ORDER BY uid"
                          : "SELECT uid, size, internal_date FROM item WHERE folder = ? AND internal_date < ? ORDER BY uid");
    query.bind(rule.folder);
    if (!saved)
        query.bind(rule.before);
    while (!old.more) {
        MAIL_TRY(const bool row, query.step());
        if (!row || query.time(2) >= rule.before)
            break;
        old.more = old.uids.size() == limit;
        if (old.more)
            break;
        old.uids.push_back(query.as<Uid>(0));
        old.bytes += query.count(1);
        old.oldest = old.oldest ? std::min(*old.oldest, query.time(2)) : query.time(2);
    }
    return old;
}

Result<std::vector<RemovedAccount>> read_removed(Database& db, const std::string& name) {
    std::vector<RemovedAccount> accounts;
    Query query(db, "SELECT a.id, a.kind, a.name, a.created, a.removed, a.recoverable_keep, a.recoverable_size, a.held_until, "
                    "a.spec, a.apply_set, a.purging, coalesce(sum(f.messages), 0), coalesce(sum(f.bytes), 0) "
                    "FROM account AS a LEFT JOIN folder AS f ON f.account = a.id WHERE a.removed IS NOT NULL "
                    "AND (?1 = '' OR a.name = ?1) GROUP BY a.id ORDER BY a.removed DESC, a.id DESC");
    query.bind(name);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return accounts;
        accounts.push_back({query.integer(0), query.string(1), query.string(2), query.time(3), query.time(4), keeping_of(query, 5),
                            query.string(8), query.string(9), query.count(11), query.count(12), query.integer(10) != 0});
    }
}

class RecoveryPart final : public RecoveryStore {
  public:
    explicit RecoveryPart(Engine& engine) : engine_(engine) {}

    Task<Result<std::vector<RecoverableItem>>> list(AccountId account, RecoverablePage page) override {
        if (std::max(page.limit, page.ids.size()) <= short_read)
            return ready(engine_.now<std::vector<RecoverableItem>>(
                [&](Database& db) { return read_recoverable(db, account, page); }));
        std::function<Result<std::vector<RecoverableItem>>(Database&)> read = [account, page = std::move(page)](Database& db) {
            return read_recoverable(db, account, page);
        };
        return engine_.later<std::vector<RecoverableItem>>(std::move(read));
    }
    Task<Result<RecoverableUse>> use(AccountId account) override {
        return ready(engine_.now<RecoverableUse>([&](Database& db) { return read_use(db, account); }));
    }
    Task<Result<RestoreReceipt>> restore(RestoreRequest request) override {
        std::function<Result<RestoreReceipt>(WriteContext&)> body = [request = std::move(request)](WriteContext& context) {
            return sqlite::restore(context, request);
        };
        return engine_.writer->run<RestoreReceipt>(std::move(body));
    }
    Task<Result<OldItems>> old_items(AgeRule rule, std::size_t limit) override {
        std::function<Result<OldItems>(Database&)> read = [rule, limit](Database& db) { return read_old(db, rule, limit); };
        return engine_.later<OldItems>(std::move(read));
    }
    Task<Result<Expired>> expire(Expiry expiry) override {
        std::function<Result<Expired>(WriteContext&)> body = [expiry = std::move(expiry)](WriteContext& context) {
            return sqlite::expire(context, expiry);
        };
        return engine_.writer->run<Expired>(std::move(body));
    }
    Task<Result<std::vector<RemovedAccount>>> removed(std::string name) override {
        std::function<Result<std::vector<RemovedAccount>>(Database&)> read = [name = std::move(name)](Database& db) {
            return read_removed(db, name);
        };
        return engine_.later<std::vector<RemovedAccount>>(std::move(read));
    }

  private:
    Engine& engine_;
};

} // namespace

std::unique_ptr<RecoveryStore> make_recovery(Engine& engine) { return std::make_unique<RecoveryPart>(engine); }

} // namespace mail::store::sqlite
