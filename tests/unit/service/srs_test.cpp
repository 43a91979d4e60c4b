// Senders of forwarded mail, there and back.
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "maild/service/srs.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::service;

namespace {

const Time monday = Time(std::chrono::hours(24 * 20000));
constexpr auto day = std::chrono::hours(24);

std::string there(const Srs& srs, std::string_view sender, Time now = monday) {
    const auto out = srs.forward(parse_address(sender).value(), "fwd.test", now);
    return out ? out->text() : "as it is";
}

std::string back(const Srs& srs, std::string_view address, Time now = monday) {
    const auto out = srs.reverse(parse_address(address).value(), now);
    return out ? out->text() : std::string(face_of(out.error().code).name);
}

} // namespace

TEST_CASE("SRS0: a sender leaves as one of ours and comes back") {
    const Srs srs("key");
    for (const char* sender : {"x@remote.test", "A.b=c+d@remote.test", "SRS@remote.test", "\"odd one\"@remote.test", "jörg@remote.test"}) {
        const std::string out = there(srs, sender);
        INFO(out);
        CHECK(out.ends_with("@fwd.test"));
        CHECK(Srs::is_srs(parse_address(out)->local));
        CHECK(back(srs, out) == sender);
    }
    const std::string out = there(srs, "x@remote.test");
    CHECK(out.starts_with("SRS0="));
    CHECK(out.ends_with("=remote.test=x@fwd.test"));
    // Some servers change the case of what they send back; the local part then comes as they wrote it.
    CHECK(back(srs, text::to_lower(out)) == "x@remote.test");
    CHECK(back(srs, text::to_upper(out.substr(0, out.find('@'))) + "@fwd.test") == "X@REMOTE.TEST");
}

TEST_CASE("SRS1: mail that was forwarded before goes back to the first forwarder, however many lie between") {
    const Srs first("first"), second("second"), third("third");
    const std::string a = there(first, "x@remote.test");
    const std::string b = there(second, a);
    CHECK(b.starts_with("SRS1="));
    CHECK(b.size() < a.size() + 30);
    CHECK(back(second, b) == a);
    const std::string c = third.forward(*parse_address(b), "third.test", monday)->text();
    CHECK(c.starts_with("SRS1="));
    CHECK(c.size() == b.size() + 2); // grows no further
    CHECK(back(third, c) == a);
    CHECK(back(first, back(third, c)) == "x@remote.test");
}

TEST_CASE("forged, stale and malformed addresses are refused") {
    const Srs srs("key");
    const std::string good = there(srs, "x@remote.test");
    CHECK(back(Srs("other"), good) == "not_found");
    CHECK(back(Srs(), good) == "not_found");
    std::string forged = good;
    forged.replace(forged.find("remote"), 6, "victim");
    CHECK(back(srs, forged) == "not_found");
    forged = good;
    forged[5] = forged[5] == 'A' ? 'B' : 'A';
    CHECK(back(srs, forged) == "not_found");
    for (const char* bad : {"SRS0=@x", "SRS0==@x", "SRS0=AAAAAA=BB=x@x", "SRS0=AAAAAA=BB==x@x", "SRS1=AAAAAA==@x", "SRS0x=AAAA=BB=a=b@x",
                            "SRS2=AAAAAA=BB=a=b@x", "ann@x"})
        CHECK(back(srs, std::string(bad) + ".test") == "not_found");
    CHECK(back(srs, good, monday + day * limit::srs_days) == "x@remote.test");
    CHECK(back(srs, good, monday + day * (limit::srs_days + 1)) == "denied");
    CHECK(back(srs, good, monday - day) == "x@remote.test");
    CHECK(back(srs, good, monday - 2 * day) == "denied");
}

TEST_CASE("what has no room, or no domain, leaves as it is") {
    const Srs srs("key");
    CHECK(there(srs, std::string(40, 'a') + "@remote.test") == "as it is");
    CHECK(there(srs, std::string(37, 'a') + "@remote.test") != "as it is"); // 64 bytes in all
    CHECK(there(srs, std::string(38, 'a') + "@remote.test") == "as it is");
    CHECK(there(srs, "x@[192.0.2.1]") == "as it is");
    CHECK(there(Srs(), "x@remote.test") == "as it is");
}
