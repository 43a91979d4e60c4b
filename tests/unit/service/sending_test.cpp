// How much a mailbox may send, and the guard against a stolen password.
#include "maild/service/delivery.hpp"
#include "maild/service/sending.hpp"
#include "tests/unit/service/world.hpp"

using namespace mail;
using namespace mail::service;
using namespace mail::service::test;

namespace {

const Time noon = Time(std::chrono::hours(24 * 20000 + 12));
constexpr auto hour = std::chrono::hours(1);

struct Office {
    Office() : delivery(world.store.operator*(), world.config, world.directory, system_clock()) { restart(); }
    /// The same as a new process: what is not in the store is forgotten.
    void restart() {
        sending = std::make_unique<Sending>(*world.store, world.config, delivery, system_clock());
        REQUIRE(run(sending->open()));
    }
    /// One message of Ann's to so many recipients, made durable when it may leave; "" or why it may not.
    std::string send(const std::vector<std::string>& recipients) {
        SendingRequest request{world.mailbox("ann@example.test"), {}, 0};
        for (const auto& to : recipients)
            request.recipients.push_back(parse_address(to).value());
        auto taken = run(sending->take(request));
        if (!taken)
            return std::string(face_of(taken.error().code).name) + ": " + taken.error().message;
        if (!taken->changes.empty())
            REQUIRE(run(world.store->mail().put_attributes(request.who->account, 0, std::move(taken->changes))));
        return {};
    }
    std::size_t notices() {
        const auto account = world.mailbox("bob@example.test")->account;
        const auto inbox = run(world.store->mail().find_folder(account, "INBOX")).value();
        return inbox.messages;
    }
    World world;
    Delivery delivery;
    std::unique_ptr<Sending> sending;
};

} // namespace

TEST_CASE("counters: this clock hour, the last 24 hours, kept as text") {
    SendingBook book;
    book.add({1, 3, 2}, noon);
    book.add({1, 1, 0}, noon + hour);
    CHECK(book.this_hour(noon + hour).recipients == 1);
    CHECK(book.last_day(noon + hour).recipients == 4);
    CHECK(book.last_day(noon + 23 * hour).messages == 2);
    CHECK(book.last_day(noon + 24 * hour).messages == 1);
    CHECK(book.last_day(noon + 25 * hour).messages == 0);
    book.freeze(noon, "too many \"new\" people");
    book.learn({recipient_mark("x@remote.test")});
    std::vector<store::Attribute> kept;
    for (auto& change : book.take_changes())
        kept.push_back({1, 0, change.name, change.value.value()});
    CHECK(kept.size() == 2);
    const SendingBook again = SendingBook::read(kept);
    CHECK(again.last_day(noon + hour).recipients == 4);
    CHECK(again.last_day(noon + hour).fresh == 2);
    REQUIRE(again.frozen());
    CHECK(again.frozen()->since == noon);
    CHECK(again.knows(recipient_mark("x@remote.test")));
    CHECK_FALSE(again.knows(recipient_mark("y@remote.test")));
    // What is damaged is left out; a clock that was set back loses nothing.
    CHECK(SendingBook::read({{1, 0, "sending", "hour x 1 2 3\nhour 5\nfrozen z\n\n"}, {1, 0, "sending/known/999", "abcde"}}).last_day(noon).messages == 0);
    book.add({1, 1, 0}, noon - hour);
    CHECK(book.last_day(noon + hour).messages == 3);
}

TEST_CASE("a bucket of known recipients is bounded and forgets the oldest") {
    SendingBook book;
    std::vector<RecipientMark> marks;
    for (RecipientMark i = 0; i < 64 * 2000; i += 64) // all of one bucket
        marks.push_back(i);
    book.learn(marks);
    CHECK_FALSE(book.knows(0));
    CHECK(book.knows(64 * 1999));
    std::size_t known = 0;
    for (const auto mark : marks)
        known += book.knows(mark) ? 1U : 0U;
    CHECK(known <= 500);
    CHECK(known >= 375);
}

TEST_CASE("limits of the policy, of a mailbox instead, and none") {
    Office office;
    CHECK(office.send({"x@remote.test"}).empty());
    CHECK(run(office.world.store->mail().attributes_named("sending")).value().empty()); // nothing limited, nothing counted
    office.world.add("policy", "policy", R"({"sending":{"messages_per_hour":3,"recipients_per_day":5}})");
    CHECK(office.send({"x@remote.test", "y@remote.test"}).empty());
    CHECK(office.send({"x@remote.test", "bob@example.test"}).empty());
    CHECK(office.send({"x@remote.test", "y@remote.test"}) == "temporary: Sending limit reached: 5 recipients in a day; try again later");
    office.restart();
    CHECK(office.send({"x@remote.test"}).empty());
    CHECK(office.send({"x@remote.test"}) == "temporary: Sending limit reached: 3 messages in an hour; try again later");
    office.world.add("mailbox", "ann@example.test", R"({"sending":{"messages_per_hour":4}})");
    CHECK(office.send({"x@remote.test", "y@remote.test", "z@remote.test"}).empty());
    CHECK(office.send({"x@remote.test"}) == "temporary: Sending limit reached: 4 messages in an hour; try again later");
    // What was taken for a message that could not be stored is given back.
    office.sending->give_back({office.world.mailbox("ann@example.test"), {parse_address("x@remote.test").value()}, 0}, {});
    CHECK(office.send({"x@remote.test"}).empty());
}

TEST_CASE("who was never written to after all is still new, and counts for nothing") {
    Office office;
    office.world.add("policy", "policy", R"({"sending":{"new_recipients_per_day":2}})");
    const SendingRequest request{office.world.mailbox("ann@example.test"), {parse_address("n@remote.test").value(), parse_address("m@remote.test").value()}, 0};
    for (int i = 0; i < 3; ++i) {
        const auto taken = run(office.sending->take(request));
        REQUIRE(taken);
        CHECK(taken->learned.size() == 2);
        office.sending->give_back(request, *taken);
    }
    CHECK(run(office.sending->status(request.who->account))->day.fresh == 0);
    CHECK(office.send({"n@remote.test", "m@remote.test"}).empty());
    CHECK(office.send({"n@remote.test"}).empty()); // known now
}

TEST_CASE("too many people who were never written to: sending freezes, says so, and stays frozen") {
    Office office;
    office.world.add("server", "server", R"({"hostname":"mx.example.test","postmaster":"bob@example.test"})");
    office.world.add("policy", "policy", R"({"sending":{"new_recipients_per_day":3}})");
    CHECK(office.send({"a@remote.test", "A@remote.test", "bob@example.test", "b@remote.test"}).empty());
    CHECK(office.send({"a@remote.test", "b@remote.test", "c@remote.test"}).empty());
    for (int i = 0; i < 20; ++i)
        CHECK(office.send({"a@remote.test", "b@remote.test", "bob@example.test"}).empty()); // old acquaintances
    const std::string frozen = "denied: Sending from this mailbox is frozen: it wrote to more than 3 new recipients in a day; ask your postmaster";
    CHECK(office.notices() == 0);
    CHECK(office.send({"d@remote.test"}) == frozen);
    CHECK(office.notices() == 1);
    CHECK(office.send({"a@remote.test"}) == frozen);
    CHECK(office.send({"bob@example.test"}) == frozen);
    CHECK(office.notices() == 1); // told once
    office.restart();
    CHECK(office.send({"a@remote.test"}) == frozen);
    // Even where the limit is lifted meanwhile: an administrator has to look.
    office.world.add("policy", "policy");
    CHECK(office.send({"a@remote.test"}) == frozen);
    const auto account = office.world.mailbox("ann@example.test")->account;
    CHECK(run(office.sending->status(account)).value().frozen);
    REQUIRE(run(office.sending->unfreeze(account, "ann@example.test")));
    office.world.add("policy", "policy", R"({"sending":{"new_recipients_per_day":3}})");
    CHECK(office.send({"d@remote.test"}).empty());
    office.restart();
    CHECK(office.send({"e@remote.test", "f@remote.test"}).empty());
    CHECK(office.send({"g@remote.test"}) == frozen);
    // Others go on.
    SendingRequest bob{office.world.mailbox("bob@example.test"), {parse_address("x@remote.test").value()}, 0};
    CHECK(run(office.sending->take(bob)));
}

TEST_CASE("an administrator freezes") {
    Office office;
    const auto account = office.world.mailbox("ann@example.test")->account;
    REQUIRE(run(office.sending->freeze(account, "ann@example.test", "on leave")));
    CHECK(office.send({"x@remote.test"}) == "denied: Sending from this mailbox is frozen: on leave; ask your postmaster");
    SendingRequest begin{office.world.mailbox("ann@example.test"), {}, 0};
    CHECK_FALSE(run(office.sending->check(begin)));
    office.restart();
    CHECK_FALSE(run(office.sending->check(begin)));
}
