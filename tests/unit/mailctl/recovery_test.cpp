// recoverable, restore, hold, removed mailboxes and sharing: what is asked of the server and told to people.
#include "tests/catch.hpp"
#include "tests/unit/mailctl/fake_server.hpp"

#include <boost/json.hpp>

#include <algorithm>

using namespace mail;
using namespace mail::mailctl;
using namespace mail::mailctl::test;
namespace json = boost::json;

namespace {

const std::string box = "/v1/mailboxes/ann@example.org";

json::value body_of(const api::Call& call) { return json::parse(call.body); }

/// In characters of UTF-8.
std::size_t longest_line(const std::string& text) {
    std::size_t longest = 0, length = 0;
    for (const char c : text) {
        length = c == '\n' ? 0 : length + ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U ? 0 : 1);
        longest = std::max(longest, length);
    }
    return longest;
}

} // namespace

TEST_CASE("expunged messages in a table of 80 columns, conditions from options and --filter") {
    FakeState state;
    state.answers["GET " + box + "/recoverable?folder=Work&from=bob&since=2026-01-31T10:00:00Z&limit=1000"] = {
        200, R"({"items":[{"id":4711,"folder":"Work/a/very/deep/folder/indeed","from":"Bob Baker of somewhere far away <bob@example.org>",)"
             R"("subject":"A subject that is much too long for a terminal of that size","size":12345,"flags":["\\Seen"],)"
             R"("received":"2026-01-30T12:00:00Z","expunged":"2026-01-31T11:00:00Z","kept_until":null}],"next":null})"};
    const Outcome table = run_mailctl(state, {"mailbox", "recoverable", "ann@example.org", "--since", "2h", "--filter", "from~bob,folder=Work"}, {}, true);
    INFO(table.out << table.err);
    CHECK(table.code == 0);
    CHECK(longest_line(table.out) <= 80);
    CHECK(table.out.find("4711") != std::string::npos);
    CHECK(run_mailctl(state, {"mailbox", "recoverable", "ann@example.org", "--since", "2h", "--from", "bob", "--folder", "Work", "-o", "name"}).out ==
          "message/4711\n");
    CHECK(run_mailctl(state, {"mailbox", "recoverable", "ann@example.org", "--filter", "size>3"}).code == 2);
}

TEST_CASE("restore goes on until the server is through, and sums up") {
    FakeState state;
    state.answers["POST " + box + "/actions/restore"] = {
        200, R"({"restored":2,"bytes":2048,"folders":[{"folder":"INBOX","messages":2}],"missing":[],"over_quota":false,"next":null})"};
    const Outcome some = run_mailctl(state, {"mailbox", "restore", "ann@example.org", "17", "18", "--to", "Rescued"});
    CHECK(some.code == 0);
    CHECK(some.out == "restored 2 messages (2 KiB) into INBOX (2)\n");
    CHECK(body_of(state.calls.back()) == json::parse(R"({"ids":[17,18],"to":"Rescued","dry_run":false})"));
    CHECK(run_mailctl(state, {"mailbox", "restore", "ann@example.org", "--all", "--dry-run"}).out.starts_with("would restore 2 messages"));
    CHECK(body_of(state.calls.back()) == json::parse(R"({"all":true,"dry_run":true})"));

    state.answers["POST " + box + "/actions/restore"] = {
        200, R"({"restored":1,"bytes":10,"folders":[{"folder":"INBOX","messages":1}],"missing":[18],"over_quota":false,"next":null})"};
    const Outcome partly = run_mailctl(state, {"mailbox", "restore", "ann@example.org", "17", "18"});
    CHECK(partly.code == 9);
    CHECK(partly.err.find("1 message is not there") != std::string::npos);
    const Outcome as_json = run_mailctl(state, {"mailbox", "restore", "ann@example.org", "17", "18", "-o", "json"});
    CHECK(json::parse(as_json.out).at("missing") == json::parse("[18]"));

    state.answers["POST " + box + "/actions/restore"] = {
        200, R"({"restored":0,"bytes":0,"folders":[],"missing":[],"over_quota":true,"next":5})"};
    const Outcome full = run_mailctl(state, {"mailbox", "restore", "ann@example.org", "--from", "bob"});
    CHECK(full.code == 1);
    CHECK(full.err.find("the mailbox is full") != std::string::npos);
    CHECK(full.out.empty());
    CHECK(run_mailctl(state, {"mailbox", "restore", "ann@example.org", "--to", "X"}).code == 2);
    CHECK(run_mailctl(state, {"mailbox", "restore", "ann@example.org", "--id", "x"}).code == 2);
}

TEST_CASE("a removed mailbox comes back, and what is missing is told") {
    FakeState state;
    state.answers["POST " + box + "/actions/reconnect"] = {
        200, R"({"name":"ann.old@example.org","messages":3,"bytes":1024,"has_password":false,"left_out":["a@example.org belongs to alias a@example.org"]})"};
    const Outcome back = run_mailctl(state, {"mailbox", "restore", "ann@example.org", "--as", "ann.old@example.org", "--id", "7"});
    CHECK(back.code == 0);
    CHECK(back.out == "brought back mailbox ann.old@example.org with 3 messages (1 KiB)\n");
    CHECK(back.err.find("left out an alias: a@example.org belongs to alias") != std::string::npos);
    CHECK(back.err.find("mailctl mailbox password ann.old@example.org") != std::string::npos);
    CHECK(body_of(state.calls.back()) == json::parse(R"({"dry_run":false,"as":"ann.old@example.org","id":7})"));
}

TEST_CASE("hold and unhold set three fields") {
    FakeState state;
    state.answers["PATCH " + box] = {200, R"({"kind":"mailbox","name":"ann@example.org","spec":{"hold_until":"2026-02-02T12:00:00Z"},"meta":{"version":2}})"};
    CHECK(run_mailctl(state, {"mailbox", "hold", "ann@example.org", "--for", "2d", "--comment", "case 17"}).out ==
          "mailbox ann@example.org is held until 2026-02-02T12:00:00Z\n");
    CHECK(body_of(state.calls.back()) ==
          json::parse(R"({"spec":{"litigation_hold":true,"hold_until":"2026-02-02T12:00:00Z","hold_comment":"case 17"}})"));
    CHECK(run_mailctl(state, {"mailbox", "unhold", "ann@example.org"}).out == "mailbox ann@example.org is not held any more\n");
    CHECK(body_of(state.calls.back()) == json::parse(R"({"spec":{"litigation_hold":false,"hold_until":null,"hold_comment":null}})"));
    CHECK(run_mailctl(state, {"mailbox", "hold", "ann@example.org", "--for", "soon"}).code == 2);
}

TEST_CASE("sharing makes the mailbox, or changes only who may send") {
    FakeState state;
    state.answers["PUT " + box] = {201, R"({"kind":"mailbox","name":"ann@example.org","spec":{},"meta":{"version":1}})"};
    state.answers["POST " + box + "/actions/grant"] = {200, R"({"changed":6,"rights":"lrswite"})"};
    CHECK(run_mailctl(state, {"mailbox", "share", "ann@example.org", "Bob@example.org", "eve@example.org"}).out ==
          "mailbox ann@example.org is shared with bob@example.org, eve@example.org\n");
    REQUIRE(state.calls.size() == 4);
    CHECK(body_of(state.calls[1]) ==
          json::parse(R"({"spec":{"send_as":["bob@example.org","eve@example.org"],"send_on_behalf":[],"type":"shared"}})"));
    CHECK(body_of(state.calls[3]) == json::parse(R"({"to":"eve@example.org","rights":"write"})"));

    state.answers["GET " + box] = {200, R"({"kind":"mailbox","name":"ann@example.org","spec":{"send_as":["x@example.org","bob@example.org"]},"meta":{"version":3}})"};
    state.answers["PATCH " + box] = state.answers["GET " + box];
    CHECK(run_mailctl(state, {"mailbox", "share", "ann@example.org", "bob@example.org", "--send", "behalf", "--rights", "read"}).code == 0);
    CHECK(body_of(state.calls[state.calls.size() - 2]) == json::parse(R"({"spec":{"send_as":["x@example.org"],"send_on_behalf":["bob@example.org"]}})"));
    state.answers["POST " + box + "/actions/revoke"] = {200, R"({"changed":6,"rights":""})"};
    CHECK(run_mailctl(state, {"mailbox", "unshare", "ann@example.org", "bob@example.org"}).code == 0);
    CHECK(body_of(state.calls[state.calls.size() - 2]) == json::parse(R"({"spec":{"send_as":["x@example.org"],"send_on_behalf":[]}})"));
    CHECK(run_mailctl(state, {"mailbox", "share", "ann@example.org", "bob@example.org", "--send", "perhaps"}).code == 2);
}
