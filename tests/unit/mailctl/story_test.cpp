// Stories in plain sentences: why, message trace, transcript, resubmit, over prepared answers of the server.
#include "tests/catch.hpp"
#include "tests/unit/mailctl/fake_server.hpp"

#include <boost/json.hpp>

using namespace mail;
using namespace mail::mailctl::test;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

/// A story with one recipient that ended as `members` say.
std::string story(std::string_view recipient) {
    return R"({"id":"01kb","at":"2026-01-31T11:58:00Z","sender":"bob@x.test","subject":"hi\u001b[2J","peer":"c.test [192.0.2.1]",)"
           R"("message_id":null,"outcome":"x","recipients":[)" +
           std::string(recipient) +
           R"(],"events":[{"event":"01kb/1","at":"2026-01-31T11:58:00Z","what":"connection","from":"192.0.2.1","listener":"mx"},)"
           R"({"event":"01kb/2","at":"2026-01-31T11:58:00Z","what":"spf","verdict":"pass","domain":"x.test"},)"
           R"({"event":"01kb/e7","at":"2026-01-31T11:59:00Z","ms":52,"what":"attempt","remote":"mx.y.test[192.0.2.2]:25","tls":"TLSv1.3",)"
           R"("recipients":[{"recipient":"r@y.test","outcome":"deferred","text":"451 later","next":"2026-01-31T12:04:00Z"}],"transcript":true}]})";
}

std::string told(std::string_view recipient) {
    FakeState state;
    state.answers["GET /v1/stories/01kb"] = {200, story(recipient)};
    const Outcome outcome = run_mailctl(state, {"message", "trace", "01kb"});
    CHECK(outcome.code == 0);
    return outcome.out;
}

} // namespace

TEST_CASE("what became of a recipient is one plain sentence") {
    struct Row {
        std::string_view recipient;
        std::string_view sentence;
    };
    const Row rows[] = {
        {R"({"address":"a@y.test","to":"a@y.test","outcome":"delivered","folder":"INBOX"})", "  a@y.test: delivered to INBOX.\n"},
        {R"({"address":"s@y.test","to":"a@y.test","via":["alias s@y.test","forward b@y.test"],"outcome":"delivered","folder":"INBOX"})",
         "  s@y.test, through alias s@y.test and forward b@y.test, for a@y.test: delivered to INBOX.\n"},
        {R"({"address":"r@y.test","to":"r@y.test","outcome":"relayed","text":"250 2.0.0 ok","from_remote":true,"remote":"mx.y.test[192.0.2.2]:25"})",
         "  r@y.test: handed over: mx.y.test[192.0.2.2]:25 said \"250 2.0.0 ok\".\n"},
        {R"({"address":"r@y.test","to":"r@y.test","outcome":"queued","queue":17})", "  r@y.test: waits in the queue as 17, not tried yet.\n"},
        {R"({"address":"r@y.test","to":"r@y.test","outcome":"deferred","queue":17,"attempts":2,"text":"connect: refused","remote":"mx[192.0.2.2]:25","next_attempt":"2026-01-31T12:04:00Z"})",
         "  r@y.test: waits in the queue as 17: attempt 2 did not succeed, connect: refused (mx[192.0.2.2]:25); the next attempt is "},
        {R"({"address":"r@y.test","to":"r@y.test","outcome":"failed","text":"550 no","from_remote":true,"remote":"mx","reported":true,"report":"01kc"})",
         "  r@y.test: could not be delivered: mx said \"550 no\"; the sender was told by message 01kc.\n"},
        {R"({"address":"r@y.test","to":"r@y.test","outcome":"failed","expired":true,"text":"451 later","from_remote":true})",
         "  r@y.test: given up, its time was over: the other server said \"451 later\"; no report was sent.\n"},
        {R"({"address":"r@y.test","to":"r@y.test","outcome":"held","queue":17,"actor":"uid:0"})",
         "  r@y.test: held by an administrator (uid:0); release it with: mailctl queue release 17.\n"},
        {R"({"address":"r@y.test","to":"r@y.test","outcome":"dropped","actor":"uid:0"})", "  r@y.test: removed from the queue by an administrator (uid:0).\n"},
        {R"({"address":"n@y.test","to":"n@y.test","outcome":"refused","text":"550 5.1.1 No such user here"})", "  n@y.test: refused: 550 5.1.1 No such user here.\n"},
    };
    for (const Row& row : rows) {
        const std::string out = told(row.recipient);
        INFO(out);
        CHECK(has(out, row.sentence));
    }
}

TEST_CASE("a trace has a line for each event, unknown ones too, and no terminal codes") {
    const std::string out = told(R"({"address":"a@y.test","to":"a@y.test","outcome":"delivered","folder":"INBOX"})");
    CHECK(has(out, "01kb/1  2026-01-31T11:58:00Z  connection from 192.0.2.1 to listener mx\n"));
    CHECK(has(out, "01kb/2  2026-01-31T11:58:00Z  spf: verdict pass, domain x.test\n"));
    CHECK(has(out, "01kb/e7  2026-01-31T11:59:00Z  attempt at mx.y.test[192.0.2.2]:25 with TLSv1.3 in 52 ms; r@y.test deferred: 451 later, again "));
    CHECK_FALSE(has(out, "\x1b"));
}

TEST_CASE("on a terminal a trace has short ids and times and fits") {
    FakeState state;
    state.answers["GET /v1/stories/01kb"] = {200, story(R"({"address":"a@y.test","to":"a@y.test","outcome":"delivered","folder":"INBOX"})")};
    const std::string out = run_mailctl(state, {"message", "trace", "01kb"}, "", true).out;
    INFO(out);
    CHECK(has(out, "01kb from bob@x.test, \"hi\\x1b[2J\", 2026-01-31T11:58:00Z (2m ago), from c.test\n    [192.0.2.1]\n"));
    CHECK(has(out, "\n  /1     11:58:00  connection from 192.0.2.1 to listener mx\n"));
    CHECK(has(out, "\n  /e7    11:59:00  attempt at mx.y.test[192.0.2.2]:25 with TLSv1.3 in 52 ms;\n                   r@y.test deferred: 451 later, again "));
}

TEST_CASE("why asks with what was given and names the events beneath") {
    FakeState state;
    state.answers["GET /v1/stories?to=a@y.test&subject=hi%20there&whole=1&limit=10"] = {
        200, R"({"items":[)" + story(R"({"address":"a@y.test","to":"a@y.test","outcome":"delivered","folder":"INBOX"})") + R"(],"next":null})"};
    const Outcome found = run_mailctl(state, {"why", "--to", "a@y.test", "--subject", "hi there"});
    INFO(found.err);
    CHECK(found.code == 0);
    CHECK(has(found.out, "01kb from bob@x.test"));
    CHECK(has(found.out, "  events: connection /1 \xC2\xB7 spf /2 \xC2\xB7 attempt /e7\n"));

    state.answers["GET /v1/stories?to=n@y.test&whole=1&limit=10"] = {200, R"({"items":[],"next":"90"})"};
    state.answers["GET /v1/stories?to=n@y.test&whole=1&limit=10&before=90"] = {200, R"({"items":[],"next":null})"};
    const Outcome nothing = run_mailctl(state, {"why", "--to", "n@y.test"}); // an empty page is not the end
    CHECK(nothing.code == 0);
    CHECK(nothing.out.empty());
    CHECK(nothing.err == "no message matches\n");
}

TEST_CASE("a transcript is that of the message or of one event") {
    FakeState state;
    state.answers["GET /v1/stories/01kb/transcript"] = {
        200, R"({"items":[{"event":"01kb/e7","at":"2026-01-31T11:59:00Z","transcript":"C: EHLO a\nS: 250 \u001b[31mb\n"},)"
             R"({"event":"01kb/e9","at":"2026-01-31T12:59:00Z","transcript":"C: QUIT\n"}]})"};
    CHECK(run_mailctl(state, {"message", "transcript", "01kb"}).out ==
          "# 01kb/e7  2026-01-31T11:59:00Z\nC: EHLO a\nS: 250 \\x1b[31mb\n\n# 01kb/e9  2026-01-31T12:59:00Z\nC: QUIT\n");
    CHECK(run_mailctl(state, {"message", "transcript", "01kb/e9"}).out == "# 01kb/e9  2026-01-31T12:59:00Z\nC: QUIT\n");
    CHECK(run_mailctl(state, {"message", "transcript", "01kb/e8"}).code == 3);
}

TEST_CASE("resubmit says for how many recipients") {
    FakeState state;
    state.answers["POST /v1/stories/01kb/actions/resubmit"] = {200, R"({"changed":2})"};
    CHECK(run_mailctl(state, {"message", "resubmit", "01kb"}).out == "trying again for 2 recipients\n");
    CHECK(run_mailctl(state, {"message", "resubmit", "01kc"}).code == 3);
}

TEST_CASE("simulate sends what was given and tells the story") {
    FakeState state;
    state.answers["POST /v1/simulate"] = {
        200, R"({"id":"01kb","at":"2026-01-31T12:00:00Z","sender":"b@x.test","recipients":[{"address":"o@y.test","to":"o@y.test","outcome":"queued",)"
             R"("way":{"route":null,"tls":"opportunistic","held":"by rule r","hosts":["mx1[192.0.2.1]:25","mx2[192.0.2.2]:25"]}}],"events":[],"dialogue":["C: QUIT"]})"};
    const Outcome outcome = run_mailctl(state, {"simulate", "--from", "b@x.test", "--to", "o@y.test", "--client", "192.0.2.9", "--dialogue"});
    INFO(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(has(outcome.out, "Nothing was sent; this is what would happen:\n"));
    CHECK(has(outcome.out, "  o@y.test: goes to the queue and out by the default way, TLS opportunistic; it would be held: by rule r, to "
                           "mx1[192.0.2.1]:25, mx2[192.0.2.2]:25.\n"));
    CHECK(has(outcome.out, "  C: QUIT\n"));
    REQUIRE(state.calls.size() == 1);
    CHECK(boost::json::parse(state.calls[0].body) == boost::json::parse(R"({"from":"b@x.test","to":["o@y.test"],"client":"192.0.2.9"})"));
    CHECK(run_mailctl(state, {"simulate", "--from", "b@x.test"}).code == 2);
}

TEST_CASE("a story of nobody says why") {
    CHECK(has([] {
        FakeState state;
        state.answers["GET /v1/stories/01kb"] = {200, R"({"id":"01kb","at":"","sender":"a@x.test","recipients":[],"outcome":"refused",)"
                                                      R"("events":[{"event":"01kb/1","what":"refused","reply":"530 5.7.0 sign in"}]})"};
        return run_mailctl(state, {"message", "trace", "01kb"}).out;
    }(), "  refused: 530 5.7.0 sign in.\n"));
}

TEST_CASE("doctor deliver tells each stage and ends with what it came to") {
    FakeState state;
    const std::string connect = R"({"stage":"connect","good":true,"host":"mx[192.0.2.1]:25","text":"connected","ms":12,"dialogue":["S: 220 \u001b[31mhi"]})";
    state.answers["WATCH /v1/doctor/deliver?recipient=a@y.test&sender=b@x.test"] = {
        200, connect + "\n" + R"({"stage":"end","good":true,"host":null,"text":"would be taken","ms":0,"dialogue":[]})" + "\n"};
    const Outcome good = run_mailctl(state, {"doctor", "deliver", "a@y.test", "--sender", "b@x.test"});
    CHECK(good.code == 0);
    CHECK(good.out == "ok    connect   mx[192.0.2.1]:25: connected (12 ms)\n        S: 220 \\x1b[31mhi\nok    end       would be taken (0 ms)\n");
    state.answers["WATCH /v1/doctor/deliver?recipient=a@y.test"] = {200, R"({"stage":"end","good":false,"host":null,"text":"no","ms":0,"dialogue":[]})"};
    CHECK(run_mailctl(state, {"doctor", "deliver", "a@y.test"}).code == 1);
}
