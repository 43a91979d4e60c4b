// What reports to senders give back of the message (RFC 6522 §3), above all of one too large to be held in memory.
#include "common/base/limits.hpp"
#include "maild/service/delivery.hpp"
#include "tests/unit/service/world.hpp"

using namespace mail;
using namespace mail::service;
using namespace mail::service::test;

namespace {

const std::string large_body = std::string(200'000, 'b') + "\r\n";

/// A message in the store's segments, as large ones come.
store::Content spooled(World& world, const std::string& message) {
    auto spool = world.store->mail().spool(message.size()).value();
    REQUIRE(run(spool->append(message)));
    store::Content content;
    content.spooled = spool->finish().value();
    return content;
}

/// The reports that leave for x@remote.test once `message` was accepted for `recipients`.
std::vector<std::string> reports(World& world, const std::string& message, std::vector<std::string_view> recipients, std::uint8_t notify) {
    Delivery delivery(*world.store, world.config, world.directory, system_clock());
    Incoming incoming;
    incoming.id = Id::make(system_clock().now());
    incoming.content = spooled(world, message);
    incoming.envelope.sender = "x@remote.test";
    for (const auto to : recipients)
        incoming.recipients.push_back({parse_address(to).value(), world.resolution(to), "", notify});
    REQUIRE(run(delivery.accept(std::move(incoming))));
    std::vector<std::string> texts;
    const auto queued = run(world.store->queue().list({})).value();
    for (const auto& item : queued)
        texts.push_back(run(world.store->mail().read(item.blob, 0, item.blob.length)).value());
    return texts;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a report about a large message gives back its header section") {
    World world;
    world.add("mailbox", "ann@example.test");
    world.add("mailbox", "eve@example.test", R"({"quota": "1000"})");
    const std::string message = "Message-ID: <1@remote.test>\r\nSubject: large\r\nX-Last: here\r\n\r\n" + large_body;
    const bool is_success = GENERATE(true, false);
    CAPTURE(is_success);
    const auto told = is_success ? reports(world, message, {"ann@example.test"}, store::queue_notify::success)
                                 : reports(world, message, {"ann@example.test", "eve@example.test"}, 0);
    REQUIRE(told.size() == 1);
    CHECK(has(told[0], is_success ? "Action: delivered" : "Action: failed"));
    CHECK(has(told[0], "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <1@remote.test>\r\nSubject: large\r\nX-Last: here\r\n\r\n--"));
    CHECK(has(told[0], "In-Reply-To: <1@remote.test>\r\n"));
    CHECK(told[0].size() < 4000);
}

TEST_CASE("of a stored message a report reads the header section, or all of it while that is small") {
    World world;
    world.add("mailbox", "ann@example.test");
    const auto original = [&](const std::string& message, bool whole) {
        store::AcceptPlan plan;
        plan.message = Id::make(system_clock().now());
        plan.content = spooled(world, message);
        plan.local.push_back({world.mailbox("ann@example.test")->account, 0, 0, "", "", system_clock().now(), 0});
        const auto receipt = run(world.store->mail().accept(std::move(plan)));
        REQUIRE(receipt);
        REQUIRE(receipt->bytes);
        return run(report_original(world.store->mail(), *receipt->bytes, whole));
    };
    const std::string small = "Subject: small\r\n\r\nbody\r\n";
    CHECK(original(small, true).bytes == small);
    CHECK(original(small, true).is_whole);
    CHECK(original(small, false).bytes == "Subject: small\r\n\r\n");
    CHECK_FALSE(original(small, false).is_whole);
    std::string longer;
    for (int i = 0; i < 500; ++i)
        longer += "X-Field: " + std::string(50, 'x') + "\r\n";
    const auto large = original(longer + "\r\n" + large_body, true);
    CHECK(large.bytes == longer + "\r\n");
    CHECK_FALSE(large.is_whole);
    // A header section over the limit ends with a whole line.
    std::string endless;
    while (endless.size() < std::size_t{limit::report_header} * 2)
        endless += longer;
    const auto cut = original(endless + "\r\nbody\r\n", false).bytes;
    CHECK(cut.size() <= std::size_t{limit::report_header});
    CHECK(cut.size() > std::size_t{limit::report_header} - 100);
    CHECK(endless.starts_with(cut));
    CHECK(cut.ends_with("x\r\n"));
    // No end of the header at all, and bytes that are gone.
    CHECK(original("Subject: no body", false).bytes == "Subject: no body");
    CHECK(run(report_original(world.store->mail(), store::BlobRef{999'999, 0, 0, 10, 0}, true)).bytes.empty());
}
