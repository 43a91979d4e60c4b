#include "tests/catch.hpp"

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/secret.hpp"

#include <memory>
#include <set>
#include <string>

using namespace mail;

namespace {
Result<int> half(int n) {
    if (n % 2 != 0)
        return fail(ErrorCode::invalid, "odd", "give an even number");
    return n / 2;
}
Result<int> quarter(int n) {
    MAIL_TRY(const int once, half(n));
    MAIL_TRY(const int twice, half(once));
    return twice;
}
Result<void> must_be_even(int n) {
    MAIL_DO(half(n));
    return {};
}
Result<std::unique_ptr<int>> owned() {
    return std::make_unique<int>(7);
}
} // namespace

TEST_CASE("Result passes values and errors up") {
    CHECK(quarter(8).value() == 2);
    const auto bad = quarter(6);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code == ErrorCode::invalid);
    CHECK(bad.error().message == "odd");
    CHECK(bad.error().hint == "give an even number");
    CHECK(bad.value_or(9) == 9);
    CHECK(must_be_even(2));
    CHECK_FALSE(must_be_even(3));
    auto pointer = owned();
    REQUIRE(pointer);
    CHECK(**pointer == 7);
    const std::unique_ptr<int> taken = std::move(pointer).value();
    CHECK(*taken == 7);
    // Asio default-constructs a coroutine's result: that is an error, never a value.
    CHECK(Result<int>{}.error().code == ErrorCode::internal);
    const Result<std::string> text = "from a literal";
    CHECK(text->size() == 14);
}

TEST_CASE("every error has one face on every protocol") {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(ErrorCode::closed); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        const ErrorFace& face = face_of(code);
        INFO(face.name);
        CHECK(names.insert(face.name).second);
        CHECK(error_code_named(face.name) == code);
        // The enhanced code's class agrees with the reply's (RFC 3463 §2).
        CHECK(face.smtp_reply / 100 == face.smtp_enhanced[0] - '0');
        CHECK(face.http_status >= 400);
        CHECK(face.exit_code > 0);
    }
    CHECK(error_code_named("nothing") == ErrorCode::internal);
}

TEST_CASE("limits have one name each and sensible values") {
    std::set<std::string_view> names;
    for (const LimitInfo& info : all_limits()) {
        INFO(info.name);
        CHECK(names.insert(info.name).second);
        CHECK(info.value > 0);
        CHECK_FALSE(info.unit.empty());
        CHECK_FALSE(info.sentence.empty());
    }
    CHECK(limit::header_bytes < limit::message_bytes);
    CHECK(limit::imap_idle_seconds >= 1800); // RFC 9051 §5.4
    CHECK(limit::pop3_idle_seconds >= 600);  // RFC 1939 §3
    CHECK(limit::smtp_command_line >= 512);  // RFC 5321 §4.5.3.1.4
    CHECK(limit::smtp_recipients >= 100);    // RFC 5321 §4.5.3.1.8
}

TEST_CASE("secrets move and go") {
    Secret first(std::string("a secret longer than any small buffer of a string"));
    const Secret copy = first;
    Secret second = std::move(first);
    CHECK(first.empty()); // NOLINT(bugprone-use-after-move): that is what is tested
    CHECK(second == copy);
    const Secret& itself = second;
    second = itself;
    CHECK(second.reveal() == copy.reveal());
    second.clear();
    CHECK(second.empty());
}
