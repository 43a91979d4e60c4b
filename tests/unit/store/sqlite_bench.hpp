// Helpers of the tests that concern the embedded engine alone.
#pragma once

#include "maild/store/sqlite/sqlite_store.hpp"
#include "tests/unit/store/store_under_test.hpp"

#include <string>
#include <vector>

namespace mail::store::test {

inline SqliteOptions options_for(const std::filesystem::path& path, const Clock& clock,
                                 const FileOps* files = nullptr) {
    SqliteOptions options;
    options.directory = path.string();
    options.clock = &clock;
    options.segment_bytes = 4 << 20;
    options.reserve_bytes = 0;
    options.files = files;
    return options;
}

inline std::unique_ptr<Store> open_at(SqliteOptions options) {
    auto opened = open_sqlite(std::move(options));
    if (!opened)
        throw std::runtime_error(opened.error().message);
    return std::move(opened).value();
}

inline AccountId add_mailbox(Store& store, const std::string& name) {
    ResourceBatch batch;
    batch.writes.push_back({ResourceWrite::Action::put, "mailbox", name, "{}", "", {name}, true});
    need(store.resources().apply(batch));
    return *store.resources().find_account_now(name);
}

inline Result<Placed> deliver(Store& store, AccountId account, std::string bytes, const Clock& clock) {
    AcceptPlan plan;
    plan.message = Id::make(clock.now());
    plan.content.memory = std::make_shared<const std::string>(std::move(bytes));
    LocalCopy copy;
    copy.account = account;
    plan.local.push_back(copy);
    auto receipt = wait(store.mail().accept(std::move(plan)));
    if (!receipt)
        return fail(std::move(receipt).error());
    return std::move(receipt->local.at(0));
}

/// The contents of an INBOX in UID order.
inline std::vector<std::string> contents(Store& store, AccountId account) {
    std::vector<std::string> found;
    const FolderId inbox = need(store.mail().find_folder(account, "INBOX")).id;
    for (const ItemBody& body : need(store.mail().bodies(inbox, uids(1, ~Uid{0}), 1'000'000)))
        found.push_back(need(store.mail().read(body.blob, 0, body.blob.length)));
    return found;
}

} // namespace mail::store::test
