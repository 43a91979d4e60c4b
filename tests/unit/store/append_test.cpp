// Many messages at once, large ones, those of many threads, and one in place of another, on every engine.
#include "tests/unit/store/store_under_test.hpp"

#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace mail::store::test {

TEST_CASE("append takes all messages or none") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    std::vector<AcceptPlan> plans;
    for (int i = 0; i < 3; ++i) {
        plans.push_back(bench.plan(std::string(400, 'x')));
        plans.back().local.push_back(Bench::to(ann, bench.folder(ann, "Drafts").id, 1000));
    }
    CHECK(code_of(bench.mail().append(plans)) == ErrorCode::over_quota);
    CHECK(bench.folder(ann, "Drafts").messages == 0);
    CHECK(bench.store().stats().blobs == 0);
    plans.pop_back();
    const auto placed = need(bench.mail().append(plans));
    REQUIRE(placed.size() == 2);
    CHECK(placed[0].uid + 1 == placed[1].uid);
    CHECK(placed[0].modseq == placed[1].modseq);
}

TEST_CASE("a large message streams through a spool") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    std::string all;
    for (int i = 0; all.size() < 5'000'000; ++i)
        all += "line " + std::to_string(i) + " of a large message\r\n";
    const auto hint = GENERATE(std::uint64_t{0}, std::uint64_t{5'100'000});
    auto spool = bench.mail().spool(hint);
    REQUIRE(spool);
    auto other = bench.mail().spool(0); // grows at the same time: neither gets the other's place
    REQUIRE(other);
    for (std::size_t at = 0; at < all.size(); at += 65'536) {
        done((*spool)->append(std::string_view(all).substr(at, 65'536)));
        done((*other)->append(std::string_view(all).substr(at, 30'000)));
        if (at % 655'360 == 0)
            bench.deliver(ann, "small");
    }
    AcceptPlan plan = bench.plan("");
    plan.content.memory.reset();
    plan.content.spooled = *(*spool)->finish();
    CHECK(plan.content.size() == all.size());
    plan.local.push_back(Bench::to(ann, bench.folder(ann, "Archive").id));
    need(bench.mail().accept(plan));
    other->reset();
    const FolderId archive = bench.folder(ann, "Archive").id;
    CHECK(bench.content(archive, 1) == all);
    const auto body = need(bench.mail().bodies(archive, uids(1), 1))[0];
    CHECK(need(bench.mail().read(body.blob, 1000, 50)) == all.substr(1000, 50));
    CHECK(need(bench.mail().read(body.blob, all.size() - 3, 50)) == all.substr(all.size() - 3));
    CHECK(need(bench.mail().read(body.blob, all.size() + 3, 50)).empty());
    bench.reopen();
    CHECK(bench.content(archive, 1) == all);
}

TEST_CASE("many threads accept at once: every message is there exactly once and changes come in order") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    constexpr int threads = 8;
    constexpr int each = 60;
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const AccountId bob = bench.add_mailbox("bob@example.org");
    std::mutex mutex;
    std::map<AccountId, ModSeq> last;
    std::map<FolderId, Uid> last_uid;
    bool in_order = true;
    std::size_t told = 0;
    bench.store().on_commit([&](const Changes& changes) {
        const std::lock_guard lock(mutex);
        for (const FolderChange& change : changes.folders) {
            in_order = in_order && change.modseq > last[change.account];
            last[change.account] = change.modseq;
            for (const ItemRow& row : change.added) {
                in_order = in_order && row.uid == last_uid[change.folder] + 1;
                last_uid[change.folder] = row.uid;
                ++told;
            }
        }
    });
    std::vector<std::thread> workers;
    std::atomic<int> failed{0};
    for (int t = 0; t < threads; ++t)
        workers.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                AcceptPlan plan = bench.plan("thread " + std::to_string(t) + " message " + std::to_string(i));
                plan.local.push_back(Bench::to(ann));
                plan.local.push_back(Bench::to(bob));
                const auto receipt = wait(bench.mail().accept(std::move(plan)));
                if (!receipt || !receipt->local[0] || !receipt->local[1])
                    ++failed;
            }
        });
    for (auto& worker : workers)
        worker.join();
    CHECK(failed == 0);
    CHECK(in_order);
    CHECK(told == 2 * threads * each);
    bench.reopen();
    for (const AccountId account : {ann, bob}) {
        const auto listing = need(bench.mail().list(bench.folder(account, "INBOX").id));
        REQUIRE(listing.items.size() == threads * each);
        std::set<std::string> texts;
        for (std::size_t i = 0; i < listing.items.size(); ++i) {
            CHECK(listing.items[i].uid == i + 1);
            texts.insert(bench.content(listing.folder.id, listing.items[i].uid));
        }
        CHECK(texts.size() == threads * each);
    }
}

TEST_CASE("a closed store refuses") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    bench.store().close();
    AcceptPlan plan = bench.plan("x");
    plan.local.push_back(Bench::to(ann));
    CHECK(code_of(bench.mail().accept(plan)) == ErrorCode::closed);
}

TEST_CASE("RFC 8508: a replacement comes as the old message goes, or neither") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    bench.deliver(ann, "old");
    bench.deliver(ann, "other");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    const FolderId drafts = bench.folder(ann, "Drafts").id;
    const auto plan = [&](FolderId folder, std::uint64_t quota) {
        AcceptPlan made = bench.plan("new text");
        made.local.push_back(Bench::to(ann, folder, quota));
        return made;
    };
    const auto items = [&](FolderId folder) { return need(bench.mail().list(folder)).items.size(); };
    std::vector<Changes> told;
    bench.store().on_commit([&](const Changes& changes) { told.push_back(changes); });
    const auto usage = need(bench.mail().usage(ann)).bytes;

    SECTION("within a folder: one change") {
        const auto placed = need(bench.mail().replace(plan(inbox, 0), inbox, 1));
        CHECK(placed.uid == 3);
        CHECK(bench.content(inbox, 3) == "new text");
        const auto gone = need(bench.mail().vanished(inbox, 0));
        REQUIRE(gone.size() == 1);
        CHECK((gone[0].first == 1 && gone[0].last == 1));
        REQUIRE((told.size() == 1 && told[0].folders.size() == 1));
        CHECK((told[0].folders[0].added.size() == 1 && told[0].folders[0].expunged == std::vector<Uid>{1}));
        CHECK(bench.folder(ann, "INBOX").messages == 2);
    }
    SECTION("into another folder") {
        CHECK(need(bench.mail().replace(plan(drafts, 0), inbox, 2)).uid == 1);
        CHECK((items(inbox) == 1 && items(drafts) == 1));
        REQUIRE(told.size() == 1);
        CHECK(told[0].folders.size() == 2);
    }
    SECTION("the room of the old message counts as the new one's") {
        CHECK(need(bench.mail().replace(plan(inbox, usage + 5), inbox, 1)).uid == 3); // 5 bytes more than "old"
        CHECK(code_of(bench.mail().replace(plan(inbox, usage + 5), inbox, 2)) == ErrorCode::over_quota);
        CHECK(items(inbox) == 2);
        CHECK(need(bench.mail().vanished(inbox, 0)).size() == 1);
    }
    SECTION("without the old message, or without the folder, nothing happens") {
        CHECK(code_of(bench.mail().replace(plan(inbox, 0), inbox, 9)) == ErrorCode::not_found);
        CHECK(code_of(bench.mail().replace(plan(inbox + 1000, 0), inbox, 1)) == ErrorCode::not_found);
        CHECK(items(inbox) == 2);
        CHECK(told.empty());
        CHECK(bench.store().stats().blobs == 2);
    }
    bench.reopen();
    CHECK(need(bench.mail().list(inbox)).items.size() == (items(drafts) == 1 ? 1U : 2U));
}

} // namespace mail::store::test
