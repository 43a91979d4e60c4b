// The forms of co_await that the house relies on (tests/README.md names those it forbids). Each form is run with values
// whose life ends are counted, because what compilers get wrong here is not the result but a temporary destroyed twice or
// too early; the sanitizers of the test build see the rest.
#include "common/async/runtime.hpp"
#include "tests/catch.hpp"

#include <stdexcept>
#include <string>
#include <vector>

using namespace mail;

namespace {

int alive = 0;

struct Counted {
    std::string text;
    explicit Counted(std::string t) : text(std::move(t)) { ++alive; }
    Counted(const Counted& other) : text(other.text) { ++alive; }
    Counted(Counted&& other) noexcept : text(std::move(other.text)) { ++alive; }
    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&&) noexcept = default;
    ~Counted() { --alive; }
};

const std::string long_text(100, 'x'); // beyond the small-string buffer, so that a lost temporary shows

Task<void> pause() { co_await async::sleep_for(std::chrono::microseconds(1)); }

Task<std::string> taken(Counted by_value) {
    co_await pause();
    co_return by_value.text;
}
Task<std::size_t> seen(const Counted& by_reference) {
    co_await pause();
    co_return by_reference.text.size();
}
Task<std::size_t> length(std::string_view text) {
    co_await pause();
    co_return text.size();
}
Task<Result<std::string>> checked(bool good) {
    co_await pause();
    if (!good)
        co_return fail(ErrorCode::invalid, long_text);
    co_return long_text;
}
Task<Result<std::size_t>> tried(bool good) {
    MAIL_CO_TRY(const std::string text, co_await checked(good));
    co_return text.size();
}
Task<std::string> handed_on(Counted value) { co_return co_await taken(std::move(value)); }
Task<std::vector<Counted>> several() {
    co_await pause();
    co_return std::vector<Counted>{Counted("a"), Counted("b"), Counted("c")};
}
Task<void> failing() {
    co_await pause();
    throw std::runtime_error("on purpose");
}

struct Object {
    std::string name;
    Task<std::string> with(Counted suffix) {
        const auto tail = co_await taken(std::move(suffix));
        co_return name + tail;
    }
};

Task<void> statements() {
    co_await taken(Counted(long_text));
    const auto text = co_await taken(Counted(long_text + "y"));
    CHECK(text == long_text + "y");
    const auto size = co_await seen(Counted(long_text));
    CHECK(size == 100);
    const auto viewed = co_await length(long_text + std::string(20, 'z'));
    CHECK(viewed == 120);
    const auto passed = co_await handed_on(Counted(long_text));
    CHECK(passed == long_text);
}

Task<void> results() {
    const auto good = co_await tried(true);
    CHECK((good && *good == 100));
    const auto bad = co_await tried(false);
    CHECK((!bad && bad.error().message == long_text));
}

Task<void> surroundings() {
    std::size_t total = 0;
    for (int i = 0; i < 3; ++i) {
        const auto size = co_await seen(Counted(std::string(static_cast<std::size_t>(i) * 50, 'x')));
        total += size;
    }
    CHECK(total == 150);
    std::string joined;
    const auto list = co_await several();
    for (const auto& one : list) {
        const auto text = co_await taken(one);
        joined += text;
    }
    CHECK(joined == "abc");
    Object object{long_text};
    const auto named = co_await object.with(Counted("!"));
    CHECK(named == long_text + "!");
    bool caught = false;
    try {
        co_await failing();
    } catch (const std::runtime_error&) {
        caught = true;
    }
    CHECK(caught);
    switch (total) {
    case 150: {
        const auto text = co_await taken(Counted("in a switch"));
        CHECK(text == "in a switch");
        break;
    }
    default:
        FAIL("unreachable");
    }
}

void run(Task<void> (*shape)()) {
    alive = 0;
    async::run_until_done(shape());
    CHECK(alive == 0);
}

} // namespace

TEST_CASE("awaiting as a statement, into a variable and in a return keeps every temporary alive just long enough") {
    run(statements);
}
TEST_CASE("errors travel through awaited results") { run(results); }
TEST_CASE("awaiting inside loops, blocks, try and member functions") { run(surroundings); }
