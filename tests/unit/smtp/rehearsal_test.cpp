// A rehearsal answers as delivery would and leaves no trace.
#include "maild/service/rehearsal.hpp"
#include "tests/catch.hpp"
#include "tests/unit/smtp/world.hpp"

using namespace mail;
using namespace mail::smtp;
using namespace mail::smtp::test;

namespace {

const std::string hello = "DATA\r\nSubject: hello\r\n\r\nworld\r\n.\r\nQUIT\r\n";

} // namespace

TEST_CASE("a rehearsed message is answered 250 and is nowhere") {
    World world;
    const auto played = world.rehearse(world.mx(), envelope("s@remote.test", {"ann@example.test"}) + hello);
    CHECK(played.output.find("250 2.0.0 Accepted as ") != played.output.npos);
    REQUIRE(played.story);
    CHECK(played.story->end == store::StoryEnd::delivered);
    CHECK(played.story->subject == "hello");
    CHECK(world.inbox("ann@example.test").empty());
    CHECK(world.queue().empty());
    CHECK(world.stories().empty());
}

TEST_CASE("a rehearsal looks at quotas and does not use them up") {
    World world;
    world.add_mailbox({"tiny@example.test", "secret", R"(,"quota":"300B")"});
    for (int i = 0; i < 3; ++i) { // each has room, since none is kept
        const auto played = world.rehearse(world.mx(), envelope("s@remote.test", {"tiny@example.test"}) + "DATA\r\n\r\nx\r\n.\r\nQUIT\r\n");
        REQUIRE(played.story);
        CHECK(played.story->missed.empty());
    }
    const auto played = world.rehearse(world.mx(), envelope("s@remote.test", {"tiny@example.test", "ann@example.test"}) + "DATA\r\n\r\n" +
                                                       std::string(400, 'x') + "\r\n.\r\nQUIT\r\n");
    REQUIRE(played.story);
    CHECK(played.story->missed == "0");
    const auto nobody = world.rehearse(world.mx(), envelope("s@remote.test", {"tiny@example.test"}) + "DATA\r\n\r\n" + std::string(400, 'x') +
                                                       "\r\n.\r\nQUIT\r\n");
    REQUIRE(nobody.story);
    CHECK(nobody.story->end == store::StoryEnd::refused);
}

TEST_CASE("a rehearsed message that is large goes to no segment") {
    World world;
    std::string body;
    for (int i = 0; i < 5000; ++i)
        body += "a line of some length, again and again\r\n";
    const auto played = world.rehearse(world.mx(), envelope("s@remote.test", {"ann@example.test"}) + "DATA\r\nSubject: large\r\n\r\n" + body +
                                                       ".\r\nQUIT\r\n");
    REQUIRE(played.story);
    CHECK(played.story->end == store::StoryEnd::delivered);
    CHECK(world.inbox("ann@example.test").empty());
}

TEST_CASE("who signs in only in a rehearsal may send as itself and not as others") {
    World world;
    const auto own = world.rehearse(world.submission(), envelope("ann@example.test", {"x@far.test"}) + hello, "ann@example.test");
    REQUIRE(own.story);
    CHECK(own.story->end == store::StoryEnd::queued);
    const auto other = world.rehearse(world.submission(), envelope("bob@example.test", {"x@far.test"}) + "QUIT\r\n", "ann@example.test");
    REQUIRE(other.story);
    CHECK(other.story->end == store::StoryEnd::refused);
    CHECK(world.queue().empty());
}
