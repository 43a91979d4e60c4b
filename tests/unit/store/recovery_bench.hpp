// Mailboxes that are put, held and removed, and what of them can come back, for the tests of recovery.
#pragma once

#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {

using std::chrono::hours;

inline ResourceWrite put_mailbox(const std::string& name, AccountKeeping keeping = {}) {
    ResourceWrite write{ResourceWrite::Action::put, "mailbox", name, "{\"n\":1}", "site", {name}, true};
    write.keeping = keeping;
    return write;
}

inline void apply(Bench& bench, ResourceWrite write) {
    ResourceBatch batch;
    batch.actor = "test";
    batch.writes.push_back(std::move(write));
    need(bench.resources().apply(std::move(batch)));
}

inline void remove(Bench& bench, const std::string& name) {
    apply(bench, {ResourceWrite::Action::remove, "mailbox", name, "", "", {}, true});
}

inline AccountKeeping held(Time until = Time::max()) { return {{}, 0, until}; }

inline RecoveryStore& recovery(Bench& bench) { return bench.store().recovery(); }

inline std::vector<RecoverableItem> recoverable(Bench& bench, AccountId account) {
    return need(recovery(bench).list(account, {0, false, 1000, {}}));
}

/// Everything that is old enough by now goes; what went.
inline std::size_t purge(Bench& bench, Maintenance what, std::size_t slice = 3) {
    what.slice = slice;
    std::size_t items = 0;
    for (int turn = 0; turn < 100; ++turn) {
        const Maintained done = need(bench.store().maintain(what));
        items += done.items;
        if (!done.more)
            return items;
        what.accounts_after = done.accounts_after;
    }
    FAIL("maintenance does not end");
    return items;
}

inline std::size_t purge_all(Bench& bench) {
    Maintenance what;
    what.recoverable_before = what.removed_before = bench.clock.now();
    return purge(bench, what);
}

} // namespace mail::store::test
