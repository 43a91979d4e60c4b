// What follows from one attempt, and the reports it causes (RFC 3461 §4.1, RFC 3464).
#include "maild/queue/attempt.hpp"
#include "maild/queue/bounce.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::queue;
using namespace std::chrono_literals;
using smtp_client::own_outcome;
namespace wish = mail::store::queue_notify;

namespace {

constexpr Time start = Time{Duration{1'700'000'000'000'000}};

AttemptEnd end_with(smtp_client::Outcome outcome, std::uint8_t notify = 0) {
    AttemptEnd end;
    end.item.id = 7;
    end.item.message = Id::make(start);
    end.item.envelope.sender = "ann@example.test";
    end.item.recipient = "bob@remote.test";
    end.item.notify = notify;
    end.item.created = start;
    end.item.expires = start + default_expiry;
    end.outcome = std::move(outcome);
    end.remote = "mx.remote.test[192.0.2.1]:25";
    end.route = std::make_shared<const Route>();
    return end;
}
smtp_client::Outcome words(int code, std::string_view enhanced, std::string text) {
    return smtp_client::outcome_of(smtp::Reply(code, enhanced, std::move(text)));
}

} // namespace

TEST_CASE("delivered, deferred, failed") {
    const auto delivered = settle(end_with(words(250, "2.0.0", "ok")), start);
    CHECK(delivered.result.outcome == store::QueueOutcome::delivered);
    CHECK_FALSE(delivered.report);
    const auto deferred = settle(end_with(words(451, "4.2.0", "later")), start);
    CHECK(deferred.result.outcome == store::QueueOutcome::deferred);
    CHECK(deferred.result.next_attempt > start);
    REQUIRE(deferred.result.error);
    CHECK(deferred.result.error->code == 451);
    CHECK(deferred.result.error->text == "451 4.2.0 later");
    CHECK(deferred.result.error->remote == "mx.remote.test[192.0.2.1]:25");
    CHECK(deferred.result.error->at == start);
    const auto failed = settle(end_with(words(550, "5.1.1", "no")), start);
    CHECK(failed.result.outcome == store::QueueOutcome::failed);
    CHECK(failed.report == DsnAction::failed);
    const auto expired = settle(end_with(words(451, "4.2.0", "later")), start + default_expiry);
    CHECK(expired.result.outcome == store::QueueOutcome::failed);
    CHECK(expired.expired);
}

TEST_CASE("NOTIFY decides who hears what") {
    const auto report = [](const char* status, std::uint8_t notify, Duration after = 0s, bool passed_on = false) {
        AttemptEnd end = end_with(own_outcome(status, "x"), notify);
        end.report_passed_on = passed_on;
        return settle(end, start + after).report;
    };
    CHECK_FALSE(report("5.1.1", wish::never));
    CHECK_FALSE(report("5.1.1", wish::success));
    CHECK(report("5.1.1", wish::failure | wish::success) == DsnAction::failed);
    CHECK(report("2.0.0", wish::success) == DsnAction::relayed);
    CHECK_FALSE(report("2.0.0", wish::success, 0s, true)); // the remote tells
    CHECK_FALSE(report("2.0.0", wish::failure));
    CHECK_FALSE(report("4.4.1", 0, 1h));
    CHECK(report("4.4.1", 0, 5h) == DsnAction::delayed);
    CHECK(report("4.4.1", wish::delay, 5h) == DsnAction::delayed);
    CHECK_FALSE(report("4.4.1", wish::failure, 5h));
    AttemptEnd told = end_with(own_outcome("4.4.1", "x"));
    told.item.delay_told = true;
    CHECK_FALSE(settle(told, start + 6h).report);
    CHECK(settle(told, start + 6h).result.delay_told);
}

TEST_CASE("an item that an administrator expired bounces with its last words") {
    store::QueueItem item = end_with(own_outcome("4.0.0", "")).item;
    const auto route = std::make_shared<const Route>();
    item.expires = start + 1h; // what was planned when it came: the route decides
    CHECK_FALSE(is_expired(item, *route, start + 2h));
    item.give_up = true;
    CHECK(is_expired(item, *route, start + 1h));
    item.last_error = store::LastError{451, "451 greylisted", "mx[192.0.2.1]:25", start};
    const AttemptEnd end = expired_end(item, route);
    const Settled settled = settle(end, start + 1h);
    CHECK(settled.result.outcome == store::QueueOutcome::failed);
    CHECK(settled.expired);
    CHECK(settled.result.error->text == "451 greylisted");
}

TEST_CASE("what was not tried counts no attempt") {
    store::QueueItem item = end_with(own_outcome("4.0.0", "")).item;
    const auto route = std::make_shared<const Route>();
    const Settled released = settle(released_end(item, route, 30s), start);
    CHECK(released.result.outcome == store::QueueOutcome::released);
    CHECK(released.result.next_attempt == start + 30s);
    CHECK_FALSE(released.report);
    const Settled held = settle(held_end(item, route, "held by rule"), start);
    CHECK(held.result.outcome == store::QueueOutcome::held);
    REQUIRE(held.result.error);
    CHECK(held.result.error->text == "held by rule");
}

TEST_CASE("a report names its recipients and the remote's own words") {
    AttemptEnd a = end_with(words(550, "5.1.1", "no such user here"));
    a.item.original = "rfc822;robert+2Bx@remote.test";
    a.item.envelope.envelope_id = "ID+2B1";
    AttemptEnd b = end_with(own_outcome("5.4.6", "leads back to this server"));
    b.item.recipient = "carol@loop.test";
    b.remote.clear();
    ReportInput input;
    input.ends = {&a, &b};
    input.expired = {false, false};
    input.reporting_mta = "mx.example.test";
    input.from = "postmaster@example.test";
    input.now = start;
    input.original = "Subject: hello\r\n\r\nsecret body\r\n";
    input.whole = true;
    const std::string report = make_report(input);
    for (const char* part : {"bob@remote.test", "550 5.1.1 no such user here", "robert+x@remote.test", "ID+1", "5.4.6",
                             "carol@loop.test", "mx.remote.test", "multipart/report", "Subject: hello", "secret body"}) {
        INFO(part);
        CHECK(report.find(part) != std::string::npos);
    }
    a.item.envelope.return_headers_only = true;
    CHECK(make_report(input).find("secret body") == std::string::npos);
    a.item.envelope.return_headers_only = false;
    input.action = DsnAction::delayed;
    CHECK(make_report(input).find("secret body") == std::string::npos);
    input.action = DsnAction::failed;
    input.expired = {true, false};
    CHECK(make_report(input).find("Status: 5.4.7") != std::string::npos); // the class follows the action
}
