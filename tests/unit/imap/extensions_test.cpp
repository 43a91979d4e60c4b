// Extensions that need more than a transcript: a clock of their own.
#include "tests/unit/imap/world.hpp"

#include "tests/catch.hpp"

using namespace mail;
using namespace mail::imap;
using namespace mail::imap::test;
using Catch::Contains;

namespace {

// Eleven seconds pass between two looks at it.
class HastyClock final : public Clock {
  public:
    [[nodiscard]] Time now() const override { return system_clock().now(); }
    [[nodiscard]] SteadyTime steady() const override {
        time_ += std::chrono::seconds(11);
        return time_;
    }

  private:
    mutable SteadyTime time_ = system_clock().steady();
};

std::string talk_hastily(World& world, std::string input) {
    static const HastyClock clock;
    std::string output;
    const Services services{world.mailboxes, world.sign_in, world.tasks, world.pool, clock};
    async::run_until_done(serve(services, world.profile(), net::make_script_stream(std::move(input), &output, {}), "s1"));
    return output;
}

} // namespace

TEST_CASE("RFC 9585 §4: a long search tells how far it is") {
    World world;
    std::string input = "0 LOGIN ann@example.test sesam\r\n";
    for (int i = 0; i < 450; ++i)
        input += append("a", "INBOX", "Subject: x\r\n\r\nhay\r\n");
    input += "b SELECT INBOX\r\nc SEARCH BODY needle\r\nd SEARCH SUBJECT y\r\ne SEARCH UNSEEN\r\n";
    const auto out = talk_hastily(world, input);
    CHECK_THAT(out, Contains("* OK [INPROGRESS (\"c\" 200 450)]") && Contains("* OK [INPROGRESS (\"c\" 400 450)]"));
    CHECK_THAT(out, Contains("* OK [INPROGRESS (\"d\" 250 900)]"));
    CHECK_THAT(out, !Contains("(\"e\" "));
    CHECK_THAT(world.as_ann("b SELECT INBOX\r\nc SEARCH BODY needle\r\n"), !Contains("INPROGRESS") && Contains("c OK"));
}

TEST_CASE("RFC 5267 §4.3.1: the number of searches kept up to date is bounded") {
    World world;
    std::string input = append("a", "INBOX", "Subject: x\r\n\r\ny\r\n") + "b SELECT INBOX\r\n";
    for (int i = 0; i < 17; ++i)
        input += "c" + std::to_string(i) + " UID SEARCH RETURN (UPDATE COUNT) UNSEEN\r\n";
    const auto out = world.as_ann(input + "d STORE 1 +FLAGS.SILENT (\\Seen)\r\n");
    CHECK_THAT(out, Contains("* NO [NOUPDATE \"c16\"]") && Contains("c16 OK") && Contains("(TAG \"c15\") UID REMOVEFROM (0 1)"));
    CHECK_THAT(out, !Contains("(TAG \"c16\") UID REMOVEFROM"));
}

TEST_CASE("RFC 4978 §3: nothing is said in plain text after COMPRESS was agreed to") {
    World world;
    // The script goes on in plain text, which is no DEFLATE: the connection ends without an answer to it.
    const auto out = world.talk("0 LOGIN ann@example.test sesam\r\n1 COMPRESS DEFLATE\r\n");
    CHECK_THAT(out, Contains("1 OK compression begins"));
}
