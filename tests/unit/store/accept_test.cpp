// Accepting mail: what becomes true of one message, on every engine.
#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {

TEST_CASE("a message for one mailbox is stored with its prefix and counted") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    AcceptPlan plan = bench.plan("Subject: hi\r\n\r\nbody\r\n");
    const Id message = plan.message;
    LocalCopy copy = Bench::to(ann);
    copy.prefix = "Return-Path: <bob@example.org>\r\n";
    copy.flags = flag::flagged;
    copy.keywords = "zeta Alpha alpha";
    plan.local.push_back(copy);
    plan.story =
        Story{message, bench.clock.now(), "bob@example.org", "ann@example.org", "m1@x", "192.0.2.1", "{}"};
    const auto receipt = need(bench.mail().accept(plan));
    REQUIRE(receipt.local.size() == 1);
    REQUIRE(receipt.local[0]);
    CHECK(receipt.local[0]->uid == 1);
    REQUIRE(receipt.bytes);
    CHECK(need(bench.mail().read(*receipt.bytes, 0, 11)) == "Subject: hi");

    const Folder inbox = bench.folder(ann, "INBOX");
    CHECK(inbox.messages == 1);
    CHECK(inbox.unseen == 1);
    CHECK(inbox.uid_next == 2);
    CHECK(inbox.modseq == receipt.local[0]->modseq);
    CHECK(inbox.uid_validity == receipt.local[0]->uid_validity);
    const auto listing = need(bench.mail().list(inbox.id));
    REQUIRE(listing.items.size() == 1);
    CHECK(listing.items[0].keywords == "Alpha zeta");
    CHECK(listing.items[0].flags == flag::flagged);
    CHECK(listing.items[0].size == copy.prefix.size() + 21);
    CHECK(listing.items[0].internal_date == copy.internal_date);
    CHECK(bench.content(inbox.id, 1) == copy.prefix + "Subject: hi\r\n\r\nbody\r\n");
    CHECK(need(bench.mail().bodies(inbox.id, uids(1), 1))[0].id == message);
    const auto usage = need(bench.mail().usage(ann));
    CHECK(usage.items == 1);
    CHECK(usage.bytes == listing.items[0].size);
    StoryFilter filter;
    filter.sender = "BOB@*";
    const auto found = need(bench.store().stories().find(filter)).stories;
    REQUIRE(found.size() == 1);
    CHECK(found[0].message_id == "m1@x");
    CHECK(found[0].missed.empty());
    bench.reopen();
    CHECK(bench.content(inbox.id, 1) == copy.prefix + "Subject: hi\r\n\r\nbody\r\n");
}

TEST_CASE("several recipients share one copy of the bytes") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    AcceptPlan plan = bench.plan(std::string(10'000, 'x'));
    std::vector<AccountId> accounts;
    for (int i = 0; i < 5; ++i) {
        accounts.push_back(bench.add_mailbox("user" + std::to_string(i) + "@example.org"));
        plan.local.push_back(Bench::to(accounts.back()));
    }
    plan.queue.push_back(
        {"out@example.net", "example.net", "", 0, bench.clock.now(), bench.clock.now(), false});
    need(bench.mail().accept(plan));
    CHECK(bench.store().stats().blobs == 1);
    CHECK(bench.store().stats().blob_bytes == 10'000);
    for (const AccountId account : accounts)
        CHECK(bench.content(bench.folder(account, "INBOX").id, 1).size() == 10'000);
}

TEST_CASE("attributes of accounts and of the server become true with the message, or not at all") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    AcceptPlan plan = bench.plan("x");
    plan.local.push_back(Bench::to(ann));
    plan.attributes = {{0, {{"mark", "m"}}}, {ann, {{"a", std::string("1\0", 2)}, {"gone", std::nullopt}}}};
    need(bench.mail().accept(plan));
    CHECK(need(bench.mail().attributes(0, 0)).at(0).value == "m");
    CHECK(need(bench.mail().attributes(ann, 0)).at(0).value == std::string("1\0", 2));
    AcceptPlan refused = bench.plan(std::string(1000, 'x'));
    refused.local.push_back(Bench::to(ann, 0, 10));
    refused.attributes = {{ann, {{"a", "2"}}}};
    CHECK_FALSE(need(bench.mail().accept(refused)).local.at(0));
    AcceptPlan further = bench.plan("y");
    further.local.push_back(Bench::to(ann));
    further.attributes = {{ann, {{"b", "3"}}}, {0, {{"mark", std::nullopt}}}};
    need(bench.mail().accept(further));
    bench.reopen();
    const auto kept = need(bench.mail().attributes(ann, 0));
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].value == std::string("1\0", 2));
    CHECK(kept[1].value == "3");
    CHECK(need(bench.mail().attributes(0, 0)).empty());
}

TEST_CASE("quota and missing folders fail one recipient and leave the others valid") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const AccountId bob = bench.add_mailbox("bob@example.org");
    AcceptPlan plan = bench.plan(std::string(1000, 'x'));
    plan.local.push_back(Bench::to(ann, 0, 999));
    plan.local.push_back(Bench::to(bob, 0, 1000));
    plan.local.push_back(Bench::to(ann, bench.folder(bob, "INBOX").id));
    plan.local.push_back(Bench::to(4711));
    const auto receipt = need(bench.mail().accept(plan));
    REQUIRE(receipt.local.size() == 4);
    CHECK(receipt.local[0].error().code == ErrorCode::over_quota);
    CHECK(receipt.local[1]);
    CHECK(receipt.local[2].error().code == ErrorCode::not_found);
    CHECK(receipt.local[3].error().code == ErrorCode::not_found);
    CHECK(bench.folder(ann, "INBOX").messages == 0);
    CHECK(bench.folder(bob, "INBOX").messages == 1);

    SECTION("two copies into one account are counted together") {
        const AccountId cid = bench.add_mailbox("cid@example.org");
        AcceptPlan twice = bench.plan(std::string(1000, 'x'));
        twice.local.push_back(Bench::to(cid, 0, 1500));
        twice.local.push_back(Bench::to(cid, bench.folder(cid, "Archive").id, 1500));
        const auto both = need(bench.mail().accept(twice));
        CHECK(both.local[0]);
        CHECK(both.local[1].error().code == ErrorCode::over_quota);
    }
    SECTION("nobody can take it: nothing is kept") {
        const auto before = bench.store().stats().blobs;
        AcceptPlan nobody = bench.plan("x");
        nobody.local.push_back(Bench::to(4711));
        nobody.story = Story{nobody.message, bench.clock.now(), "", "", "", "", ""};
        const auto none = need(bench.mail().accept(nobody));
        CHECK(!none.local[0]);
        CHECK(!none.bytes);
        CHECK(bench.store().stats().blobs == before);
        CHECK(need(bench.store().stories().find({})).stories.empty());
    }
}

} // namespace mail::store::test
