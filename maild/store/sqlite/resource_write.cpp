// Applying a batch of resources: rows, addresses, accounts with their folders, history and the new revision.
#include "maild/store/sqlite/transactions.hpp"

#include <set>

namespace mail::store::sqlite {
namespace {

using Key = std::pair<std::string_view, std::string_view>;

Failure address_taken(std::string_view address, const Key& owner) {
    return fail(ErrorCode::conflict, "the address " + std::string(address) + " belongs to " +
                                         std::string(owner.first) + " " + std::string(owner.second));
}

/// Nothing is written before the whole batch is known to be possible.
Result<void> check_batch(WriteContext& context, const ResourceBatch& batch) {
    std::set<Key> changing;
    std::unordered_map<std::string_view, Key> taken;
    for (const ResourceWrite& write : batch.writes) {
        const Key key{write.kind, write.name};
        if (!changing.insert(key).second)
            return fail(ErrorCode::invalid, write.kind + " " + write.name + " is named twice in one change");
        if (write.action == ResourceWrite::Action::remove) {
            Query query(context.db, "SELECT 1 FROM resource WHERE kind = ? AND name = ?");
            MAIL_TRY(const bool row, query.bind(write.kind).bind(write.name).step());
            if (!row)
                return fail(ErrorCode::not_found, write.kind + " " + write.name + " does not exist");
            continue;
        }
        for (const std::string& address : write.addresses)
            if (const auto [other, fresh] = taken.try_emplace(address, key); !fresh && other->second != key)
                return address_taken(address, other->second);
    }
    for (const auto& [address, key] : taken) {
        Query query(context.db, "SELECT kind, name FROM address WHERE key = ?");
        MAIL_TRY(const bool row, query.bind(address).step());
        if (row && !changing.contains(Key{query.text(0), query.text(1)}))
            return address_taken(address, {query.text(0), query.text(1)});
    }
    return {};
}

Result<void> write_resource(WriteContext& context, const ResourceWrite& write, std::int64_t revision) {
    MAIL_DO(Query(context.db, "DELETE FROM address WHERE kind = ? AND name = ?")
                .bind(write.kind)
                .bind(write.name)
                .run());
    MAIL_DO(keep_account(context, write));
    context.changed_resources.push_back(write.kind + "/" + write.name);
    if (write.action == ResourceWrite::Action::remove)
        return Query(context.db, "DELETE FROM resource WHERE kind = ? AND name = ?")
            .bind(write.kind)
            .bind(write.name)
            .run();
    Query put(context.db, "INSERT INTO resource (kind, name, spec, apply_set, version, created, updated) "
                          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (kind, name) DO UPDATE SET "
                          "spec = ?3, apply_set = ?4, version = ?5, updated = ?6");
    put.bind(write.kind).bind(write.name).bind(write.spec).bind(write.set).bind(revision);
    return put.bind(context.clock.now()).run();
}

/// Its number. The oldest entries make room.
Result<std::uint64_t> add_to_history(WriteContext& context, const HistoryEntry& entry) {
    Query insert(context.db, "INSERT INTO history (revision, at, actor, apply_set, summary, operations) VALUES (?, ?, ?, ?, ?, ?) "
                             "RETURNING number");
    insert.bind(entry.revision).bind(context.clock.now()).bind(entry.actor).bind(entry.set);
    MAIL_TRY(const bool row, insert.bind(entry.summary).bind(entry.operations).step());
    const std::int64_t number = row ? insert.integer(0) : 0;
    MAIL_DO(insert.run());
    MAIL_DO(Query(context.db, "DELETE FROM history WHERE number <= ?").bind(number - std::int64_t{limit::history_entries}).run());
    return static_cast<std::uint64_t>(number);
}

} // namespace

Result<std::uint64_t> apply(WriteContext& context, const ResourceBatch& batch) {
    MAIL_TRY(const std::int64_t present, context.last(Counter::revision));
    if (batch.base_revision && *batch.base_revision != static_cast<std::uint64_t>(present))
        return fail(ErrorCode::stale,
                    "the configuration has changed since revision " + std::to_string(*batch.base_revision),
                    "plan again");
    MAIL_DO(check_batch(context, batch));
    context.touch();
    if (!batch.applied_hash.empty()) {
        Query put(context.db, "INSERT OR REPLACE INTO meta VALUES ('applied', ?)");
        MAIL_DO(put.bind(batch.applied_hash).run());
    }
    if (batch.writes.empty())
        return static_cast<std::uint64_t>(present);
    MAIL_TRY(const std::int64_t revision, context.next(Counter::revision));
    for (const ResourceWrite& write : batch.writes) {
        MAIL_DO(write_resource(context, write, revision));
    }
    // Addresses last: one may go from a resource to another within the batch.
    for (const ResourceWrite& write : batch.writes)
        if (write.action == ResourceWrite::Action::put)
            for (const std::string& address : write.addresses) {
                Query insert(context.db, "INSERT OR REPLACE INTO address VALUES (?, ?, ?)");
                MAIL_DO(insert.bind(address).bind(write.kind).bind(write.name).run());
            }
    HistoryEntry entry{0, static_cast<std::uint64_t>(revision), {}, batch.actor, batch.writes.front().set, batch.summary, batch.operations};
    MAIL_DO(add_to_history(context, entry));
    context.new_revision = static_cast<std::uint64_t>(revision);
    return context.new_revision;
}

Result<std::uint64_t> record(WriteContext& context, const HistoryEntry& entry) {
    context.touch();
    if (entry.number != 0) {
        Query update(context.db, "UPDATE history SET at = ?, actor = ?, summary = ?, operations = ? "
                                 "WHERE number = ? AND revision = 0 RETURNING number");
        update.bind(context.clock.now()).bind(entry.actor).bind(entry.summary).bind(entry.operations);
        MAIL_TRY(const bool row, update.bind(entry.number).step());
        if (row) {
            MAIL_DO(update.run());
            return entry.number;
        }
    }
    HistoryEntry fresh = entry;
    fresh.revision = 0;
    return add_to_history(context, fresh);
}

} // namespace mail::store::sqlite
