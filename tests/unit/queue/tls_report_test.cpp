// TLSRPT: counting, the report, where it goes (RFC 8460).
#include "maild/queue/tls_report.hpp"

#include "common/base/text.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::queue;
using namespace std::chrono_literals;

namespace {
constexpr Time noon = Time{Duration{1'700'049'600'000'000}}; // 2023-11-15T12:00:00Z

TlsSession session(std::string failure = {}, TlsSession::Policy policy = TlsSession::Policy::tlsa) {
    return {"remote.test", policy, {"3 1 1 ab"}, "mx.remote.test", "192.0.2.1", std::move(failure)};
}
} // namespace

TEST_CASE("a day is counted by domain and policy and given out once it is over") {
    TlsReports reports;
    CHECK_FALSE(reports.take(noon));
    for (int i = 0; i < 5; ++i)
        reports.count(session(), noon);
    reports.count(session("certificate-expired"), noon);
    reports.count(session("certificate-expired"), noon);
    reports.count(session({}, TlsSession::Policy::none), noon + 1h);
    CHECK_FALSE(reports.take(noon + 11h));
    const auto day = reports.take(noon + 12h);
    REQUIRE(day);
    CHECK(format_rfc3339(day->begin) == "2023-11-15T00:00:00Z");
    const auto& policies = day->domains.at("remote.test");
    REQUIRE(policies.size() == 2);
    CHECK(policies[0].successes == 5);
    CHECK(policies[0].failures == 2);
    REQUIRE(policies[0].details.size() == 1);
    CHECK(policies[0].details[0].count == 2);
    CHECK_FALSE(reports.take(noon + 48h));
}

TEST_CASE("RFC 8460 §4.4, §5.3: the report and its message") {
    TlsReports reports;
    reports.count(session(), noon);
    reports.count(session("starttls-not-supported"), noon);
    const auto day = reports.take(noon + 24h);
    REQUIRE(day);
    TlsReportInput input{"remote.test", "mx.example.test", "postmaster@example.test", "tls@remote.test", day->begin, noon + 24h,
                         &day->domains.at("remote.test")};
    const std::string json = tls_report_json(input, "id@mx.example.test");
    for (const char* part : {R"("organization-name":"mx.example.test")", R"("start-datetime":"2023-11-15T00:00:00Z")",
                             R"("end-datetime":"2023-11-15T23:59:59Z")", R"("policy-type":"tlsa")", R"("policy-string":["3 1 1 ab"])",
                             R"("total-successful-session-count":1)", R"("total-failure-session-count":1)",
                             R"("result-type":"starttls-not-supported")", R"("receiving-mx-hostname":"mx.remote.test")"}) {
        INFO(part << "\n" << json);
        CHECK(json.find(part) != std::string::npos);
    }
    const std::string message = tls_report_message(input);
    for (const char* part : {"Subject: Report Domain: remote.test Submitter: mx.example.test Report-ID: <",
                             "TLS-Report-Domain: remote.test\r\n", "report-type=\"tlsrpt\"", "application/tlsrpt+json",
                             "filename=\"mx.example.test!remote.test!1700006400!1700092800!"}) {
        INFO(part);
        CHECK(message.find(part) != std::string::npos);
    }
}

TEST_CASE("RFC 8460 §3: who wants reports") {
    CHECK(tls_report_targets({"v=TLSRPTv1; rua=mailto:tls@remote.test,https://remote.test/v1"}) ==
          std::vector<std::string>{"tls@remote.test"});
    CHECK(tls_report_targets({"v=TLSRPTv1;rua=mailto:a@b.test, MAILTO:c@d.test"}).size() == 2);
    CHECK(tls_report_targets({"v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1; rua=mailto:a@b.test"}).empty());
    CHECK(tls_report_targets({"v=spf1 -all"}).empty());
    CHECK(tls_report_targets({}).empty());
    CHECK(tls_failure_of("handshake failed (certificate has expired)", true) == "certificate-expired");
    CHECK(tls_failure_of("(hostname mismatch)", true) == "certificate-host-mismatch");
    CHECK(tls_failure_of("(unable to get local issuer certificate)", true) == "certificate-not-trusted");
    CHECK(tls_failure_of("(No matching DANE TLSA records)", true) == "validation-failure");
    CHECK(tls_failure_of("", false) == "starttls-not-supported");
}
