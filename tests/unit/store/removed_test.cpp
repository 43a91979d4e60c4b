// Removed mailboxes come back as they were, and what can come back is listed, on every engine.
#include "tests/unit/store/recovery_bench.hpp"

namespace mail::store::test {

TEST_CASE("recoverable items are listed page by page") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    for (int i = 0; i < 5; ++i)
        bench.deliver(ann, "m" + std::to_string(i));
    need(bench.mail().expunge(bench.folder(ann, "INBOX").id, {}, false));
    const auto first = need(recovery(bench).list(ann, {0, true, 2, {}}));
    REQUIRE(first.size() == 2);
    CHECK(first[0].uid == 5);
    CHECK(first[1].uid == 4);
    const auto second = need(recovery(bench).list(ann, {first[1].id, true, 2, {}}));
    CHECK(second[0].uid == 3);
    const auto oldest = need(recovery(bench).list(ann, {0, false, 2, {}}));
    CHECK(oldest[0].uid == 1);
    CHECK(need(recovery(bench).list(ann, {oldest[1].id, false, 9, {}})).size() == 3);
    CHECK(need(recovery(bench).list(ann, {0, true, 9, {oldest[0].id, 4711}})).size() == 1);
}

TEST_CASE("a removed mailbox comes back as it was") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    apply(bench, put_mailbox("ann@example.org"));
    const AccountId ann = need(bench.mail().find_account("ann@example.org"));
    const Folder work = need(bench.mail().create_folder(ann, "Work", FolderClass::mail, SpecialUse::none));
    bench.deliver(ann, "kept", work.id);
    bench.deliver(ann, "gone");
    need(bench.mail().expunge(bench.folder(ann, "INBOX").id, {}, false));
    done(bench.mail().put_attributes(ann, work.id, {{"rights", "x"}}));
    const Folder inbox = bench.folder(ann, "INBOX");
    remove(bench, "ann@example.org");
    CHECK(code_of(bench.mail().find_account("ann@example.org")) == ErrorCode::not_found);
    CHECK(code_of(recovery(bench).restore({ann, {1}, 0, 0})) == ErrorCode::not_found);
    bench.reopen();
    const auto tombs = need(recovery(bench).removed("ann@example.org"));
    REQUIRE(tombs.size() == 1);
    CHECK(tombs[0].id == ann);
    CHECK(tombs[0].spec == "{\"n\":1}");
    CHECK(tombs[0].set == "site");
    CHECK(tombs[0].items == 1);
    CHECK_FALSE(tombs[0].purging);
    ResourceWrite again = put_mailbox("ann@example.org");
    again.reconnect = ann;

    SECTION("under its name") {
        apply(bench, again);
        CHECK(need(bench.mail().find_account("ann@example.org")) == ann);
        CHECK(bench.folder(ann, "INBOX").uid_validity == inbox.uid_validity);
        CHECK(bench.content(work.id, 1) == "kept");
        CHECK(need(bench.mail().attributes(ann, work.id)).size() == 1);
        CHECK(need(recovery(bench).restore({ann, {recoverable(bench, ann)[0].id}, 0, 0})).items.size() == 1);
        CHECK(bench.deliver(ann, "new").uid == 3);
        CHECK(need(recovery(bench).removed("")).empty());
    }
    SECTION("under another name") {
        again.name = "ann.archer@example.org";
        again.addresses = {again.name};
        apply(bench, again);
        CHECK(need(bench.mail().find_account("ann.archer@example.org")) == ann);
        CHECK(need(bench.mail().account_name(ann)) == "ann.archer@example.org");
    }
    SECTION("not when the name was given out again") {
        apply(bench, put_mailbox("ann@example.org"));
        ResourceBatch batch;
        batch.writes.push_back(again);
        CHECK(code_of(bench.resources().apply(batch)) == ErrorCode::conflict);
        CHECK(need(bench.mail().find_account("ann@example.org")) != ann);
    }
    SECTION("not when some of it is gone for good") {
        bench.clock.advance(hours(1));
        Maintenance what;
        what.removed_before = bench.clock.now();
        what.slice = 1;
        CHECK(need(bench.store().maintain(what)).more);
        REQUIRE(need(recovery(bench).removed("")).size() == 1);
        CHECK(need(recovery(bench).removed(""))[0].purging);
        ResourceBatch batch;
        batch.writes.push_back(again);
        CHECK(code_of(bench.resources().apply(batch)) == ErrorCode::not_found);
        CHECK(purge(bench, what) == 1);
        CHECK(need(recovery(bench).removed("")).empty());
        CHECK(bench.store().stats().blobs == 0);
        CHECK(need(bench.mail().attributes(ann, work.id)).empty());
    }
    SECTION("its domain may keep it longer") {
        bench.clock.advance(hours(3));
        Maintenance what;
        what.removed_before = bench.clock.now();
        what.recoverable_before = bench.clock.now();
        what.domains.push_back({"example.org", hours(10), hours(10)});
        CHECK(purge(bench, what) == 0);
        bench.clock.advance(hours(8));
        const Maintained done = need(bench.store().maintain(what));
        CHECK(done.accounts == std::vector<std::string>{"ann@example.org"});
    }
}

} // namespace mail::store::test
