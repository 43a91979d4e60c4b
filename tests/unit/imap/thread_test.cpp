#include "maild/imap/thread.hpp"

#include "tests/catch.hpp"

#include <chrono>

using namespace mail;
using namespace mail::imap;

namespace {

ThreadMessage message(std::uint32_t number, std::string id, std::vector<std::string> references, std::string subject = {},
                      bool is_reply = false) {
    return {number, std::move(id), std::move(references), std::move(subject), is_reply, from_micros(std::int64_t{number} * 1000000)};
}

} // namespace

TEST_CASE("RFC 5256 §3 REFERENCES: replies come under what they answer") {
    const std::vector<ThreadMessage> mails = {
        message(1, "a", {}),           message(2, "b", {"a"}),      message(3, "c", {"a", "b"}), message(4, "d", {"a"}),
        message(5, "e", {"missing"}),  message(6, "f", {"missing"}), message(7, "g", {"lost"}),
    };
    CHECK(thread_by_references(mails) == "(1 (2 3)(4))((5)(6))(7)");
    CHECK(thread_by_references({}).empty());
    const std::vector<ThreadMessage> two = {message(1, "a", {"b"}), message(2, "b", {"a"})};
    CHECK(thread_by_references(two).find('1') != std::string::npos);
}

TEST_CASE("RFC 5256 §3 REFERENCES, step 5: threads of one subject") {
    CHECK(thread_by_references(std::vector{message(1, "a", {}, "x"), message(2, "b", {}, "x", true)}) == "(1 2)");
    CHECK(thread_by_references(std::vector{message(1, "a", {}, "x"), message(2, "b", {}, "x")}) == "((1)(2))");
    CHECK(thread_by_references(std::vector{message(1, "a", {}, ""), message(2, "b", {}, "")}) == "(1)(2)");
    CHECK(thread_by_references(std::vector{message(1, "a", {}, "x"), message(2, "b", {}, "x"), message(3, "c", {}, "x")}) ==
          "((1)(2)(3))");
}

TEST_CASE("RFC 5256 §3 ORDEREDSUBJECT") {
    const std::vector<ThreadMessage> mails = {message(1, "", {}, "x"), message(2, "", {}, "y"), message(3, "", {}, "x"),
                                              message(4, "", {}, "x"), message(5, "", {}, "y")};
    CHECK(thread_by_subject(mails) == "(1 (3)(4))(2 5)");
}

TEST_CASE("I34: cycles, long chains and ids used twice end") {
    std::vector<ThreadMessage> cycle, chain, up, twins;
    for (std::uint32_t i = 1; i <= 20000; ++i) {
        cycle.push_back(message(i, std::to_string(i), {std::to_string(i % 7), std::to_string((i + 3) % 7), std::to_string(i + 1)}));
        chain.push_back(message(i, std::to_string(i), {std::to_string(i - 1)}));
        up.push_back(message(i, std::to_string(i), {std::to_string(i + 1)}));
        twins.push_back(message(i, "same", {"same"}, "same"));
    }
    const auto begin = std::chrono::steady_clock::now();
    for (const auto* mails : {&cycle, &chain, &up, &twins})
        CHECK(!thread_by_references(*mails).empty());
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}
