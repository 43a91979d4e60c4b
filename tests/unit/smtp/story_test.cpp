// What SMTP sessions tell of their messages: each accepted one has its story, and so has each refused transaction.
#include "tests/catch.hpp"
#include "tests/unit/smtp/world.hpp"

#include <boost/json.hpp>

namespace mail::smtp::test {
namespace {

namespace json = boost::json;
using store::StoryEnd;

/// "connection hello sender recipient mailbox": the names of a story's steps; they must be valid JSON.
std::string steps_of(const store::Story& story) {
    std::string out;
    const json::value detail = json::parse(story.detail);
    for (const json::value& step : detail.at("steps").as_array())
        out += (out.empty() ? "" : " ") + std::string(step.at("step").as_string());
    return out;
}

std::string member(const store::Story& story, std::string_view step, std::string_view name) {
    const json::value detail = json::parse(story.detail);
    for (const json::value& each : detail.at("steps").as_array())
        if (each.at("step").as_string() == step)
            if (const json::value* found = each.as_object().if_contains(name))
                return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
    return {};
}

const std::string message = "DATA\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle\r\nMessage-ID: <m1@remote.test>\r\n\r\nhi\r\n.\r\n";

} // namespace

TEST_CASE("an accepted message has one story from connection to folder") {
    World world;
    world.add("alias", "sales@example.test", R"({"targets":["ann@example.test","out@far.test"]})", {"sales@example.test"});
    const auto said = world.talk(world.mx(), envelope("Sam@remote.test", {"sales@example.test", "nobody@example.test"}) + message + "QUIT\r\n");
    const auto stories = world.stories();
    REQUIRE(stories.size() == 1);
    const store::Story& story = stories[0];
    CHECK(said.find("Accepted as " + story.id.text()) != said.npos);
    CHECK(story.end == StoryEnd::queued);
    CHECK(story.sender == "Sam@remote.test");
    CHECK(story.recipients == "sales@example.test nobody@example.test"); // also found by who was refused
    CHECK(story.message_id == "m1@remote.test");
    CHECK(story.subject == "Gr\xC3\xBC\xC3\x9F" "e an alle");
    CHECK(steps_of(story) == "connection hello sender refused message recipient mailbox queue");
    CHECK(member(story, "refused", "address") == "nobody@example.test");
    CHECK(member(story, "refused", "reply") == "550 5.1.1 No such user here");
    CHECK(member(story, "recipient", "via") == R"(["alias sales@example.test"])");
    CHECK(member(story, "mailbox", "mailbox") == "ann@example.test");
    CHECK(member(story, "mailbox", "folder") == "INBOX");
    CHECK(member(story, "queue", "to") == "out@far.test");
}

TEST_CASE("each message of a connection has its own story with the connection's beginning") {
    World world;
    const std::string one = "MAIL FROM:<a@remote.test>\r\nRCPT TO:<ann@example.test>\r\n" + message;
    const auto said = world.talk(world.mx(), "EHLO client.test\r\n" + one + one + "QUIT\r\n");
    const auto stories = world.stories();
    REQUIRE(stories.size() == 2);
    for (const auto& story : stories) {
        CHECK(story.end == StoryEnd::delivered);
        CHECK(steps_of(story) == "connection hello sender message recipient mailbox");
        CHECK(member(story, "hello", "name") == "client.test");
    }
}

TEST_CASE("a transaction that was refused has a story, whatever ended it") {
    World world;
    const std::string refused = "MAIL FROM:<a@remote.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<else@far.test>\r\n";
    const std::string end = GENERATE("QUIT\r\n", "RSET\r\nQUIT\r\n", "EHLO again.test\r\nQUIT\r\n", "");
    const auto said = world.talk(world.mx(), "EHLO client.test\r\n" + refused + end);
    const auto stories = world.stories();
    REQUIRE(stories.size() == 1);
    CHECK(stories[0].end == StoryEnd::refused);
    CHECK(stories[0].sender == "a@remote.test");
    CHECK(stories[0].recipients == "nobody@example.test else@far.test");
    CHECK(steps_of(stories[0]).starts_with("connection hello sender refused refused"));
}

TEST_CASE("a message that is refused after DATA has a story under its id") {
    World world;
    const auto said = world.talk(world.mx(), envelope("a@remote.test", {"ann@example.test"}) + "DATA\r\nSubject: x\r\n\r\n" +
                                                 std::string(1200000, 'x') + "\r\n.\r\nQUIT\r\n");
    const auto stories = world.stories();
    REQUIRE(stories.size() == 1);
    CHECK(stories[0].end == StoryEnd::refused);
    CHECK(stories[0].recipients == "ann@example.test");
    CHECK(member(stories[0], "refused", "what") == "message");
    CHECK(member(stories[0], "refused", "reply").starts_with("554 5.6.0"));
}

TEST_CASE("a refused sender does not run into the next transaction") {
    World world;
    const auto said = world.talk(world.submission(), "EHLO c.test\r\nMAIL FROM:<eve@far.test>\r\nMAIL FROM:<eve@far.test>\r\nQUIT\r\n");
    const auto stories = world.stories();
    REQUIRE(stories.size() == 2);
    CHECK(steps_of(stories[1]) == "connection hello sender refused");
    CHECK(member(stories[1], "refused", "what") == "sender");
}

TEST_CASE("what was asked of nobody has no story") {
    World world;
    const auto said = world.talk(world.mx(), "EHLO c.test\r\nMAIL FROM:<a@far.test>\r\nRCPT TO:<ann@example.test>\r\nRSET\r\nNOOP\r\nQUIT\r\n");
    CHECK(world.stories().empty());
}

} // namespace mail::smtp::test
