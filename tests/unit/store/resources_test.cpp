// Resources, addresses, accounts, history and marks, on every engine.
#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {
namespace {

using Action = ResourceWrite::Action;

ResourceWrite put(const std::string& kind, const std::string& name, std::vector<std::string> addresses = {},
                  const std::string& spec = "{}", const std::string& set = "") {
    return {Action::put, kind, name, spec, set, std::move(addresses), kind == "mailbox"};
}
ResourceWrite removal(const std::string& kind, const std::string& name) {
    return {Action::remove, kind, name, "", "", {}, false};
}
ResourceBatch batch(std::vector<ResourceWrite> writes) {
    ResourceBatch made;
    made.writes = std::move(writes);
    made.actor = "uid:0";
    made.summary = "test";
    made.operations = "[]";
    return made;
}

} // namespace

TEST_CASE("resources are kept, numbered and found") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    ResourceStore& store = bench.resources();
    CHECK(need(store.revision()) == 0);
    const Time first = bench.clock.now();
    CHECK(need(store.apply(
              batch({put("domain", "example.org", {}, R"({"a":1})", "base"),
                     put("mailbox", "ann@example.org", {"ann@example.org", "a@example.org"})}))) == 1);
    bench.clock.advance(std::chrono::seconds(5));
    CHECK(need(store.apply(batch({put("domain", "example.org", {}, R"({"a":2})", "base")}))) == 2);
    CHECK(*store.revision_now() == 2);
    const Resource domain = need(store.get("domain", "example.org"));
    CHECK(domain.spec == R"({"a":2})");
    CHECK(domain.set == "base");
    CHECK(domain.version == 2);
    CHECK(domain.created == first);
    CHECK(domain.updated == bench.clock.now());
    CHECK(store.get_now("mailbox", "ann@example.org")->version == 1);
    CHECK(need(store.find_address("a@example.org")).name == "ann@example.org");
    CHECK(store.find_address_now("b@example.org").error().code == ErrorCode::not_found);
    CHECK(*store.find_account_now("a@example.org") == need(bench.mail().find_account("ann@example.org")));
    CHECK(code_of(store.get("domain", "nowhere")) == ErrorCode::not_found);
    const auto history = need(store.history(10));
    REQUIRE(history.size() == 2);
    CHECK(history[0].revision == 2);
    CHECK(history[0].actor == "uid:0");
    bench.reopen();
    CHECK(need(bench.resources().revision()) == 2);
    CHECK(need(bench.resources().get("domain", "example.org")).spec == R"({"a":2})");
}

TEST_CASE("the history tells changes and what happened without one, in one order") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    need(bench.resources().apply(batch({put("domain", "example.org")})));
    HistoryEntry entry;
    entry.revision = 77; // not its to say
    entry.actor = "uid:7";
    entry.summary = "restored 3 messages";
    entry.operations = R"([{"action":"restore"}])";
    const auto number = need(bench.resources().record(entry));
    need(bench.resources().apply(batch({put("domain", "example.net")})));
    bench.clock.advance(std::chrono::seconds(5));
    entry.number = number;
    entry.summary = "restored 4 messages";
    CHECK(need(bench.resources().record(entry)) == number);
    bench.reopen();
    auto history = need(bench.resources().history(10));
    REQUIRE(history.size() == 3);
    CHECK(history[0].revision == 2);
    CHECK(history[1].number == number);
    CHECK(history[1].revision == 0);
    CHECK(history[1].at == bench.clock.now());
    CHECK(history[1].actor == "uid:7");
    CHECK(history[1].summary == "restored 4 messages");
    CHECK(history[1].operations == R"([{"action":"restore"}])");
    CHECK(history[2].revision == 1);
    CHECK(need(bench.resources().revision()) == 2);

    entry.number = history[2].number; // a change of configuration is never rewritten
    CHECK(need(bench.resources().record(entry)) == history[0].number + 1);
    entry.number = 12345; // gone
    CHECK(need(bench.resources().record(entry)) == history[0].number + 2);
    history = need(bench.resources().history(10));
    CHECK(history.size() == 5);
    CHECK(history[4].summary == "test");
}

TEST_CASE("a batch is all or nothing") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    ResourceStore& store = bench.resources();
    need(store.apply(batch({put("mailbox", "ann@example.org", {"ann@example.org"})})));
    const auto nothing_changed = [&] {
        CHECK(need(store.revision()) == 1);
        CHECK(code_of(store.get("domain", "new")) == ErrorCode::not_found);
    };
    SECTION("stale") {
        ResourceBatch stale = batch({put("domain", "new")});
        stale.base_revision = 0;
        CHECK(code_of(store.apply(stale)) == ErrorCode::stale);
        nothing_changed();
        stale.base_revision = 1;
        CHECK(need(store.apply(stale)) == 2);
    }
    SECTION("an address that belongs to another") {
        CHECK(code_of(store.apply(batch({put("domain", "new"), put("alias", "x", {"ann@example.org"})}))) ==
              ErrorCode::conflict);
        nothing_changed();
    }
    SECTION("an address twice in one batch") {
        CHECK(code_of(store.apply(batch({put("domain", "new"), put("alias", "x", {"x@y"}),
                                         put("alias", "z", {"x@y"})}))) == ErrorCode::conflict);
        nothing_changed();
    }
    SECTION("removal of what is not there") {
        CHECK(code_of(store.apply(batch({put("domain", "new"), removal("domain", "old")}))) ==
              ErrorCode::not_found);
        nothing_changed();
    }
    SECTION("one resource named twice") {
        CHECK(code_of(store.apply(batch({put("domain", "new"), put("domain", "new")}))) ==
              ErrorCode::invalid);
        nothing_changed();
    }
    SECTION("an address goes from one to another in any order") {
        need(store.apply(batch({put("alias", "x", {"ann@example.org"}),
                                put("mailbox", "ann@example.org", {"new@example.org"})})));
        CHECK(store.find_address_now("ann@example.org")->kind == "alias");
        CHECK(*store.find_account_now("new@example.org") > 0);
        CHECK(store.find_account_now("ann@example.org").error().code == ErrorCode::not_found);
    }
    SECTION("only a hash") {
        ResourceBatch hash = batch({});
        hash.applied_hash = "abc";
        CHECK(need(store.applied_hash()).empty());
        CHECK(need(store.apply(hash)) == 1);
        CHECK(need(store.applied_hash()) == "abc");
    }
}

TEST_CASE("a removed mailbox leaves a tombstone and frees its address") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId old = bench.add_mailbox("ann@example.org");
    const FolderId inbox = bench.folder(old, "INBOX").id;
    bench.deliver(old, "kept for now");
    need(bench.resources().apply(batch({removal("mailbox", "ann@example.org")})));
    CHECK(bench.resources().find_account_now("ann@example.org").error().code == ErrorCode::not_found);
    AcceptPlan plan = bench.plan("late");
    plan.local.push_back(Bench::to(old));
    CHECK(need(bench.mail().accept(plan)).local[0].error().code == ErrorCode::not_found);
    const AccountId fresh = bench.add_mailbox("ann@example.org");
    CHECK(fresh != old);
    CHECK(bench.folder(fresh, "INBOX").id != inbox);
    CHECK(bench.folder(fresh, "INBOX").messages == 0);
    CHECK(bench.store().stats().blobs == 1);
    bench.reopen();
    CHECK(bench.deliver(fresh, "new").uid == 1);
}

TEST_CASE("changes of resources are told") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    std::vector<Changes> told;
    bench.store().on_commit([&](const Changes& changes) { told.push_back(changes); });
    need(bench.resources().apply(batch({put("domain", "example.org"), put("route", "r")})));
    REQUIRE(told.size() == 1);
    CHECK(told[0].revision == 1);
    CHECK(told[0].resources == std::vector<std::string>{"domain/example.org", "route/r"});
}

TEST_CASE("lists come in order, in pages and filtered") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    need(bench.resources().apply(
        batch({put("mailbox", "b@one.example", {}, "{}", "s"), put("mailbox", "a@two.example"),
               put("mailbox", "c@one.example"), put("domain", "one.example")})));
    const auto names = [&](ResourcePage page) {
        std::vector<std::string> found;
        for (const Resource& resource : need(bench.resources().list(std::move(page))))
            found.push_back(resource.name);
        return found;
    };
    using Names = std::vector<std::string>;
    CHECK(names({"mailbox", "", 0, "", ""}) == Names{"a@two.example", "b@one.example", "c@one.example"});
    CHECK(names({"mailbox", "a@two.example", 1, "", ""}) == Names{"b@one.example"});
    CHECK(names({"mailbox", "", 0, "one.example", ""}) == Names{"b@one.example", "c@one.example"});
    CHECK(names({"mailbox", "", 0, "", "s"}) == Names{"b@one.example"});
    CHECK(names({"", "", 0, "", ""}).size() == 4);
}

TEST_CASE("ten thousand mailboxes in one batch") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    std::vector<ResourceWrite> writes;
    for (int i = 0; i < 10'000; ++i) {
        const std::string name = "user" + std::to_string(i) + "@example.org";
        writes.push_back(put("mailbox", name, {name}));
    }
    if (engine == Engine::memory)
        writes.resize(300); // the simple engine is not made for it
    const std::string last = writes.back().name;
    const auto start = std::chrono::steady_clock::now();
    need(bench.resources().apply(batch(std::move(writes))));
    CHECK(std::chrono::steady_clock::now() - start <
          std::chrono::seconds(20)); // about 1 s without sanitizers
    CHECK(bench.folder(need(bench.mail().find_account(last)), "INBOX").uid_next == 1);
}

TEST_CASE("marks") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const auto node = bench.store().meta().meta("node_id");
    REQUIRE(node);
    CHECK(Id::parse(*node));
    CHECK(bench.store().meta().meta("x").error().code == ErrorCode::not_found);
    CHECK(bench.store().meta().put_meta("x", std::string("a\0b", 3)));
    CHECK(bench.store().meta().put_meta("x", "second"));
    bench.reopen();
    CHECK(*bench.store().meta().meta("x") == "second");
    CHECK(*bench.store().meta().meta("node_id") == *node);
}

} // namespace mail::store::test
