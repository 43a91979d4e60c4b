// The stages of a quota, and what owners are told of them.
#include "maild/service/changes.hpp"
#include "maild/service/delivery.hpp"
#include "maild/service/quota_watch.hpp"
#include "tests/unit/service/one_copy.hpp"
#include "tests/unit/service/world.hpp"

using namespace mail;
using namespace mail::service;
using namespace mail::service::test;

namespace {

const Time noon = Time(std::chrono::hours(24 * 20000 + 12));
constexpr auto hour = std::chrono::hours(1);

class HandClock final : public Clock {
  public:
    Time now() const override { return at; }
    SteadyTime steady() const override { return SteadyTime{}; }
    Time at = noon;
};

struct Office {
    Office() : delivery(world.store.operator*(), world.config, world.directory, clock), watch(*world.store, world.directory, delivery, bus, clock) {
        world.add("domain", "full.test", R"({"default_quota": "1000000", "default_quota_warn": "500000", "default_quota_send": "800000"})");
        world.add("mailbox", "eve@full.test");
    }
    /// Brings Eve's mailbox to `bytes`, up or down.
    void fill(std::uint64_t bytes) {
        const auto account = world.mailbox("eve@full.test")->account;
        const auto inbox = run(world.store->mail().find_folder(account, "INBOX")).value();
        REQUIRE(run(world.store->mail().expunge(inbox.id, {}, false)));
        REQUIRE(run(world.store->mail().accept(one_copy(account, inbox.id, std::string(bytes, 'x')))));
    }
    bool look() {
        const auto told = run(watch.look("eve@full.test"));
        REQUIRE(told);
        return *told;
    }
    World world;
    HandClock clock;
    Delivery delivery;
    ChangeBus bus;
    QuotaWatch watch;
};

} // namespace

TEST_CASE("a mailbox has the stages of its own quota, or all of its domain's") {
    World world;
    world.add("domain", "d.test", R"({"default_quota": "1000", "default_quota_warn": "500", "default_quota_send": "800"})");
    world.add("mailbox", "a@d.test");
    world.add("mailbox", "b@d.test", R"({"quota": "2000"})");
    world.add("mailbox", "c@d.test", R"({"quota": "2000", "quota_warn": "100", "quota_send": "1900"})");
    world.add("mailbox", "d@d.test", R"({"quota_send": "900"})");
    const auto stages = [&](const char* name) {
        const auto mailbox = world.mailbox(name);
        return std::to_string(mailbox->quota_warn) + " " + std::to_string(mailbox->quota_send) + " " + std::to_string(mailbox->quota);
    };
    CHECK(stages("a@d.test") == "500 800 1000");
    CHECK(stages("b@d.test") == "1800 0 2000");
    CHECK(stages("c@d.test") == "100 1900 2000");
    CHECK(stages("d@d.test") == "500 900 1000");

    const auto a = world.mailbox("a@d.test");
    CHECK(quota_stage(*a, 499) == QuotaStage::fine);
    CHECK(quota_stage(*a, 500) == QuotaStage::warned);
    CHECK(quota_stage(*a, 800) == QuotaStage::no_sending);
    CHECK(quota_stage(*a, 989) == QuotaStage::no_sending);
    CHECK(quota_stage(*a, 990) == QuotaStage::full);
    CHECK(quota_stage(Mailbox{}, UINT64_MAX) == QuotaStage::fine); // no quota
}

TEST_CASE("one letter for each stage, and for the same one again after a day at the earliest") {
    QuotaNotice notice;
    CHECK_FALSE(notice.see(QuotaStage::fine, noon));
    CHECK(notice.see(QuotaStage::warned, noon));
    CHECK_FALSE(notice.see(QuotaStage::warned, noon + 48 * hour)); // told once
    CHECK(notice.see(QuotaStage::full, noon + 49 * hour));
    CHECK_FALSE(notice.see(QuotaStage::fine, noon + 50 * hour));
    CHECK_FALSE(notice.see(QuotaStage::warned, noon + 51 * hour)); // within the day
    CHECK_FALSE(notice.see(QuotaStage::fine, noon + 52 * hour));
    CHECK(notice.see(QuotaStage::warned, noon + 73 * hour));
    CHECK(notice.see(QuotaStage::no_sending, noon + 74 * hour)); // worse than what was told
    CHECK(QuotaNotice::read(notice.text()) == notice);
    for (const char* damaged : {"", "1", "9 1 5", "1 1 x", "1 1 -5", "1 1 99999999999999999999"})
        CHECK(QuotaNotice::read(damaged) == QuotaNotice{});
}

TEST_CASE("the owner reads what is left and what to do") {
    World world;
    world.add("domain", "d.test");
    world.add("mailbox", "a@d.test", R"({"quota": "2GiB", "quota_send": "1900MiB"})");
    const auto a = world.mailbox("a@d.test");
    const auto letter = quota_letter(*a, QuotaStage::warned, 1932735283);
    CHECK(letter.subject == "Your mailbox is almost full");
    CHECK(letter.text.find("holds 1.80 GiB of 2.00 GiB.\r\n") != letter.text.npos);
    CHECK(letter.text.find("From 1.86 GiB on it cannot send.\r\n") != letter.text.npos);
    CHECK(quota_letter(*a, QuotaStage::no_sending, 1992294400).text.find("Until there is less than 1.86 GiB in it, it cannot send.") != std::string::npos);
    CHECK(quota_letter(*a, QuotaStage::full, 2147483648).subject == "Your mailbox is full");
}

TEST_CASE("letters come with their note in one transaction, whatever the quota") {
    Office office;
    office.fill(100);
    CHECK_FALSE(office.look());
    office.fill(600'000);
    CHECK(office.look());
    CHECK_FALSE(office.look());
    office.fill(900'000);
    CHECK(office.look());
    office.fill(999'990);
    CHECK(office.look());
    CHECK_FALSE(office.look());
    const auto account = office.world.mailbox("eve@full.test")->account;
    const auto inbox = run(office.world.store->mail().find_folder(account, "INBOX")).value();
    CHECK(inbox.messages == 2); // what fills it, and the last letter
    office.fill(100);
    CHECK_FALSE(office.look());
    office.fill(600'000);
    CHECK_FALSE(office.look());
    office.fill(100);
    CHECK_FALSE(office.look());
    office.clock.at += 25 * hour;
    office.fill(600'000);
    CHECK(office.look());
    CHECK(office.watch.letters() == 4);
}

TEST_CASE("two thirds of what deleted messages may take are told once, by a letter of its own") {
    Office office;
    office.world.add("policy", "policy", R"({"recoverable_size": "3000000"})");
    const auto eve = office.world.mailbox("eve@full.test");
    CHECK(recoverable_stage(*eve, 1'999'999) == QuotaStage::fine);
    CHECK(recoverable_stage(*eve, 2'000'000) == QuotaStage::warned);
    Mailbox by_default;
    by_default.recoverable_size = std::uint64_t{30} << 30; // the policy's default
    CHECK(recoverable_stage(by_default, (std::uint64_t{20} << 30) - 1) == QuotaStage::fine);
    CHECK(recoverable_stage(by_default, std::uint64_t{20} << 30) == QuotaStage::warned);
    CHECK(recoverable_stage(Mailbox{}, UINT64_MAX) == QuotaStage::fine); // no limit
    CHECK(recoverable_letter(by_default, std::uint64_t{21} << 30).text.find("takes 21.0 GiB of 30.0 GiB.\r\n") != std::string::npos);

    for (int i = 0; i < 5; ++i) { // the sixth would be gone at the sixth fill
        office.fill(400'000);
        CHECK_FALSE(office.look());
    }
    office.fill(400'000);
    CHECK(office.look());
    CHECK_FALSE(office.look());
    office.fill(400'000);
    CHECK_FALSE(office.look()); // further beyond it
    CHECK(office.watch.letters() == 1);

    office.world.add("mailbox", "eve@full.test", R"({"recoverable_size": "300000000"})");
    CHECK_FALSE(office.look());
    office.clock.at += 25 * hour;
    office.world.add("mailbox", "eve@full.test", R"({"recoverable_size": "3000000"})");
    CHECK(office.look()); // another crossing
    CHECK(office.watch.letters() == 2);
}
