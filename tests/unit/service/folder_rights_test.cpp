#include "maild/service/rights.hpp"

#include "maild/service/access_lists.hpp"
#include "tests/catch.hpp"
#include "tests/unit/imap/world.hpp"

using namespace mail;
using namespace mail::service;

namespace {

RightSet rights(std::string_view letters) { return parse_rights(letters).value(); }

template <class T> Task<void> keep(Task<Result<T>> task, Result<T>& out) {
    out = co_await std::move(task);
}
template <class T> Result<T> run(Task<Result<T>> task) {
    Result<T> out;
    async::run_until_done(keep(std::move(task), out));
    return out;
}

// ann's INBOX, and the account of bob.
struct Two {
    imap::test::World world;
    store::AccountId ann = world.store->resources().find_account_now("ann@example.test").value();
    store::AccountId bob = world.store->resources().find_account_now("bob@example.test").value();
    store::Folder inbox = run(world.mailboxes.find(ann, "INBOX")).value();
    void give(const char* who, std::string_view letters) {
        REQUIRE(run(world.mailboxes.change_access(ann, inbox.id, who, AccessChange::replace, rights(letters))));
    }
    [[nodiscard]] std::string bobs() {
        const auto held = run(world.mailboxes.may(bob, inbox, Right::lookup));
        return held ? rights_text(*held) : std::string(face_of(held.error().code).imap_code);
    }
};

} // namespace

TEST_CASE("RFC 4314 §2.1: rights as letters") {
    CHECK(rights("lrswipkxtea") == every_right);
    CHECK(rights("") == 0);
    CHECK_FALSE(parse_rights("lrq"));
    CHECK_FALSE(parse_rights("LR"));
    // §2.1.1: the letters of RFC 2086 stand for the newer ones, and are shown beside them.
    CHECK(rights("c") == rights("kx"));
    CHECK(rights("d") == rights("te"));
    CHECK(rights_text(rights("lk")) == "lkc");
    CHECK(rights_text(rights("et")) == "ted");
    CHECK(rights_text(every_right) == "lrswipkxteacd");
    CHECK(fixed_flags(every_right) == 0);
    CHECK(fixed_flags(rights("s")) == 31 - store::flag::seen);
    CHECK(fixed_flags(rights("lrwe")) == (store::flag::seen | store::flag::deleted));
}

TEST_CASE("RFC 4314 §2: an entry, that of anyone, and negative ones") {
    AccessList list;
    list.set(7, false, rights("lrs"));
    list.set(AccessList::anyone, false, rights("lp"));
    list.set(7, true, rights("s"));
    CHECK(list.of(7, 1) == rights("lrp"));
    CHECK(list.of(8, 1) == rights("lp"));
    CHECK(list.of(1, 1) == every_right);
    list.set(AccessList::anyone, true, rights("l"));
    CHECK(list.of(8, 1) == rights("p"));
    list.set(1, false, rights("r"));
    CHECK(list.of(1, 1) == (rights("r") | owner_minimum));
    list.set(1, true, every_right);
    CHECK(list.of(1, 1) == owner_minimum);
    // What is written reads back the same; "k" must not come back as "c".
    list.set(9, false, rights("k"));
    const auto again = AccessList::parse(list.text());
    CHECK(again.text() == list.text());
    CHECK(again.entry(9, false) == rights("k"));
    CHECK(AccessList::parse("rubbish\n7\n-x l\n8 lq\n9 l\n").entries().size() == 1);
}

TEST_CASE("every path to a folder asks for its own right") {
    Two two;
    auto& mailboxes = two.world.mailboxes;
    store::FlagChange change;
    change.folder = two.inbox.id;
    change.uids = {{1, 1}};
    change.flags = store::flag::seen;
    const auto code = [](const auto& result) { return result ? "ok" : std::string(face_of(result.error().code).imap_code); };
    const auto all = [&] {
        const store::UidSet one{{1, 1}};
        const auto inbox_of_bob = run(mailboxes.find(two.bob, "INBOX")).value().id;
        const auto bob = two.world.directory.find("bob@example.test").value();
        return std::vector<std::string>{
            code(run(mailboxes.find(two.bob, "Other Users/ann@example.test/INBOX"))),
            code(run(mailboxes.open(two.bob, two.inbox.id))),
            code(run(mailboxes.bodies(two.bob, two.inbox.id, one, 1))),
            code(run(mailboxes.derived(two.bob, two.inbox.id, one, 1))),
            code(run(mailboxes.vanished(two.bob, two.inbox.id, 1))),
            code(run(mailboxes.change_flags(two.bob, change))),
            code(run(mailboxes.copy(two.bob, two.inbox.id, one, inbox_of_bob, false, 0))),
            code(run(mailboxes.copy(two.bob, two.inbox.id, one, inbox_of_bob, true, 0))),
            code(run(mailboxes.expunge(two.bob, two.inbox.id, one, false))),
            code(run(mailboxes.append(*bob, two.inbox.id, {}))),
            code(run(mailboxes.access(two.bob, two.inbox.id))),
            code(run(mailboxes.metadata(two.bob, two.inbox.id))),
            code(run(mailboxes.create(two.bob, "Other Users/ann@example.test/INBOX/x", store::SpecialUse::none))),
            code(run(mailboxes.remove(two.bob, "Other Users/ann@example.test/Sent"))),
        };
    };
    const std::string none = "NONEXISTENT", no = "NOPERM";
    CHECK(all() == std::vector<std::string>(14, none));
    two.give("bob@example.test", "l");
    CHECK(all() == std::vector<std::string>{"ok", no, no, no, no, no, no, no, no, no, no, no, no, none});
    two.give("bob@example.test", "lr");
    CHECK(all() == std::vector<std::string>{"ok", "ok", "ok", "ok", "ok", no, "ok", no, no, no, no, "ok", no, none});
    two.give("bob@example.test", "lrsiteka");
    CHECK(all() == std::vector<std::string>{"ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", none});
}

TEST_CASE("rights are as last committed, whoever asks") {
    Two two;
    CHECK(two.bobs() == "NONEXISTENT");
    two.give("bob@example.test", "lr");
    CHECK(two.bobs() == "lr");
    two.give("anyone", "ls");
    CHECK(two.bobs() == "lrs");
    two.give("-bob@example.test", "s");
    CHECK(two.bobs() == "lr");
    CHECK(run(two.world.mailboxes.folders(two.bob)).value().back().name == "Other Users/ann@example.test/INBOX");
    // A second service over the same store reads what the first wrote.
    Mailboxes other(*two.world.store, two.world.bus, two.world.directory, system_clock());
    CHECK(rights_text(run(other.may(two.bob, two.inbox, Right::lookup)).value()) == "lr");
    two.give("bob@example.test", "");
    two.give("anyone", "");
    CHECK(two.bobs() == "NONEXISTENT");
    CHECK_FALSE(run(other.may(two.bob, two.inbox, Right::lookup)));
    // Behind the service's back.
    REQUIRE(run(two.world.store->mail().put_attributes(two.ann, two.inbox.id, {{"rights", std::to_string(two.bob) + " lr\n"}})));
    CHECK(two.bobs() == "lr");
    REQUIRE(run(two.world.mailboxes.remove(two.ann, "Sent")));
    CHECK(two.bobs() == "lr");
}

TEST_CASE("copies into somebody's folder carry only the flags that may be set there") {
    Two two;
    two.give("bob@example.test", "lris");
    auto& mailboxes = two.world.mailboxes;
    const auto bob = two.world.directory.find("bob@example.test").value();
    const auto own = run(mailboxes.find(two.bob, "INBOX")).value();
    Mailboxes::NewItem item;
    item.content.memory = std::make_shared<const std::string>("Subject: x\r\n\r\ny");
    item.flags = store::flag::seen | store::flag::flagged;
    item.keywords = {"$Work"};
    std::vector<Mailboxes::NewItem> items{item};
    REQUIRE(run(mailboxes.append(*bob, own.id, items)));
    REQUIRE(run(mailboxes.append(*bob, two.inbox.id, items)));
    REQUIRE(run(mailboxes.copy(two.bob, own.id, {{1, 1}}, two.inbox.id, false, 0)));
    const auto snapshot = run(mailboxes.open(two.ann, two.inbox.id)).value()->current();
    REQUIRE(snapshot->size() == 2);
    for (std::uint32_t i = 0; i < 2; ++i) {
        CHECK(snapshot->at(i).flags == store::flag::seen);
        CHECK(snapshot->keywords(snapshot->at(i).keywords).empty());
    }
}
