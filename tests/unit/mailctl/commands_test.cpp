#include "mailctl/commands/bulk.hpp"
#include "mailctl/commands/fields.hpp"
#include "tests/catch.hpp"
#include "tests/unit/mailctl/fake_server.hpp"

#include <boost/json.hpp>

#include <fstream>

using namespace mail;
using namespace mail::mailctl;
using namespace mail::mailctl::test;
namespace json = boost::json;

namespace {

const char* const ann = R"({"kind":"mailbox","name":"ann@example.org","spec":{"display_name":"Ann Archer","quota":"2GiB"},"status":{},"meta":{"version":1,"set":""}})";

} // namespace

TEST_CASE("create sends one PUT that never replaces") {
    FakeState state;
    state.answers["PUT /v1/mailboxes/ann@example.org"] = {201, ann};
    const Outcome outcome = run_mailctl(state, {"mailbox", "create", "Ann@Example.ORG", "--display-name", "Ann Archer", "--quota",
                                                "2GiB", "--password-stdin"}, "s3cret\n");
    INFO(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "created mailbox ann@example.org\n");
    REQUIRE(state.calls.size() == 1);
    CHECK(state.calls[0].headers == std::vector<std::pair<std::string, std::string>>{{"If-None-Match", "*"}});
    const json::value body = json::parse(state.calls[0].body);
    CHECK(body == json::parse(R"({"spec":{"display_name":"Ann Archer","quota":"2GiB","password":{"value":"s3cret"}}})"));
}

TEST_CASE("create: what is printed follows -o and -q") {
    FakeState state;
    state.answers["PUT /v1/mailboxes/ann@example.org"] = {201, ann};
    CHECK(run_mailctl(state, {"mailbox", "create", "ann@example.org", "-o", "name"}).out == "mailbox/ann@example.org\n");
    CHECK(run_mailctl(state, {"mailbox", "create", "ann@example.org", "-o", "json"}).out.find("\"spec\"") != std::string::npos);
    CHECK(run_mailctl(state, {"mailbox", "create", "ann@example.org", "-q"}).out.empty());
    const Outcome made = run_mailctl(state, {"mailbox", "create", "ann@example.org", "--generate-password"});
    CHECK(made.out.size() == 21); // the password and a line end, nothing else
    CHECK(made.err == "created mailbox ann@example.org\n");
    const json::value body = json::parse(state.calls.back().body);
    CHECK(std::string(body.at("spec").at("password").at("value").as_string()) + "\n" == made.out);
}

TEST_CASE("create of what exists is exit code 4, or 0 with --if-absent") {
    FakeState state;
    state.answers["PUT /v1/mailboxes/ann@example.org"] = {409, R"({"status":409,"code":"conflict","detail":"mailbox ann@example.org exists already","hint":"change it with: mailctl mailbox set"})"};
    const Outcome refused = run_mailctl(state, {"mailbox", "create", "ann@example.org"});
    CHECK(refused.code == 4);
    CHECK(refused.err == "error: mailbox ann@example.org exists already\nhint: change it with: mailctl mailbox set\n");
    // A conflict of another kind stays one: the object itself is not there.
    CHECK(run_mailctl(state, {"mailbox", "create", "ann@example.org", "--if-absent"}).code == 4);
    state.answers["GET /v1/mailboxes/ann@example.org"] = {200, ann};
    CHECK(run_mailctl(state, {"mailbox", "create", "ann@example.org", "--if-absent"}).code == 0);
}

TEST_CASE("errors name the object and the way out, in three lines at most") {
    FakeState state;
    state.answers["PUT /v1/mailboxes/ann@exmaple.org"] = {422, R"({"status":422,"code":"invalid","detail":"domain exmaple.org does not exist","hint":"did you mean example.org?","errors":[]})"};
    const Outcome outcome = run_mailctl(state, {"mailbox", "create", "ann@exmaple.org"});
    CHECK(outcome.code == 7);
    CHECK(outcome.err == "error: mailbox ann@exmaple.org: domain exmaple.org does not exist\nhint: did you mean example.org?\n");
    const Outcome as_json = run_mailctl(state, {"mailbox", "create", "ann@exmaple.org", "-o", "json"});
    CHECK(json::parse(as_json.err).at("code") == json::value("invalid"));
    CHECK(as_json.out.empty());
    CHECK(run_mailctl(state, {"mailbox", "create", "not-an-address"}).code == 7);
    CHECK(run_mailctl(state, {"mailbox", "create", "ann@example.org", "--quota", "lots"}).code == 7);
    state.is_down = true;
    const Outcome down = run_mailctl(state, {"mailbox", "list"});
    CHECK(down.code == 6);
    CHECK(down.err.find("/run/maild/admin.sock") != std::string::npos);
}

TEST_CASE("set patches what is named and says when nothing changed") {
    FakeState state;
    state.answers["GET /v1/mailboxes/ann@example.org"] = {200, ann};
    state.answers["PATCH /v1/mailboxes/ann@example.org"] = {200, ann};
    const Outcome same = run_mailctl(state, {"mailbox", "set", "ann@example.org", "--quota", "2GiB", "--unset", "display_name"});
    CHECK(same.out == "no changes to mailbox ann@example.org\n");
    CHECK(json::parse(state.calls.back().body) == json::parse(R"({"spec":{"quota":"2GiB","display_name":null}})"));
    CHECK(run_mailctl(state, {"mailbox", "set", "bob@example.org", "--quota", "2GiB"}).code == 3);
    CHECK(run_mailctl(state, {"mailbox", "set", "bob@example.org", "--quota", "2GiB", "--if-present"}).code == 0);
    state.answers["PATCH /v1/mailboxes/ann@example.org?dry_run=1"] = {200, R"({"operations":[{"action":"update","kind":"mailbox","name":"ann@example.org","changes":[{"field":"quota","before":"2GiB","after":"3GiB"}]}]})"};
    CHECK(run_mailctl(state, {"mailbox", "set", "ann@example.org", "--quota", "3GiB", "--plan"}).out ==
          "~ mailbox ann@example.org\n    quota  2GiB -> 3GiB\n\nplan: 1 to change\n");
}

TEST_CASE("settings of what exists once need no name") {
    FakeState state;
    state.answers["GET /v1/server"] = {200, R"({"kind":"server","name":"server","spec":{"hostname":"a"},"meta":{"version":1}})"};
    state.answers["PATCH /v1/server"] = {200, R"({"kind":"server","name":"server","spec":{"hostname":"b"},"meta":{"version":2}})"};
    CHECK(run_mailctl(state, {"server", "set", "--hostname", "mx.example.org"}).out == "changed server\n");
    CHECK(run_mailctl(state, {"server", "show", "-o", "json"}).code == 0);
}

TEST_CASE("deleting stored mail asks; other things go at once") {
    FakeState state;
    state.answers["DELETE /v1/mailboxes/ann@example.org?dry_run=1"] = {200, R"({"operations":[],"effects":["3 messages go"]})"};
    state.answers["DELETE /v1/mailboxes/ann@example.org"] = {200, "{}"};
    state.answers["DELETE /v1/domains/example.org"] = {204, ""};
    const Outcome refused = run_mailctl(state, {"mailbox", "delete", "ann@example.org"});
    CHECK(refused.code == 2);
    CHECK(refused.err.find("add --yes") != std::string::npos);
    CHECK(run_mailctl(state, {"mailbox", "delete", "ann@example.org", "--yes"}).code == 0);
    const Outcome no = run_mailctl(state, {"mailbox", "delete", "ann@example.org"}, "n\n", true);
    CHECK(no.code == 1);
    CHECK(no.err.find("3 messages go") != std::string::npos);
    CHECK(run_mailctl(state, {"mailbox", "delete", "ann@example.org"}, "y\n", true).code == 0);
    CHECK(run_mailctl(state, {"domain", "delete", "example.org"}).out == "deleted domain example.org\n");
    CHECK(run_mailctl(state, {"domain", "delete", "example.net"}).code == 3);
    CHECK(run_mailctl(state, {"domain", "delete", "example.net", "--if-present"}).code == 0);
    CHECK(run_mailctl(state, {"domain", "delete", "example.org", "example.net"}).code == 9);
}

TEST_CASE("lists are read page by page") {
    FakeState state;
    state.answers["GET /v1/domains?limit=1000"] = {200, R"({"items":[{"kind":"domain","name":"a.example"}],"next":"x y"})"};
    state.answers["GET /v1/domains?limit=1000&after=x%20y"] = {200, R"({"items":[{"kind":"domain","name":"b.example"}],"next":null})"};
    CHECK(run_mailctl(state, {"domain", "list", "-o", "name"}).out == "domain/a.example\ndomain/b.example\n");
    state.answers["GET /v1/domains?limit=1"] = {200, R"({"items":[{"kind":"domain","name":"a.example"}],"next":"x"})"};
    CHECK(run_mailctl(state, {"domain", "list", "-o", "name", "--limit", "1"}).out == "domain/a.example\n");
    state.answers["GET /v1/domains?filter=name~b,enabled%3Dtrue"] = {200, R"({"items":[]})"};
    CHECK(run_mailctl(state, {"domain", "list", "--filter", "name~b,enabled=true"}).code == 0);
}

TEST_CASE("the queue: actions by id, by filter, and the question before a drop") {
    FakeState state;
    const std::string item = R"({"id":"01a","sender":"a@example.org","recipient":"b@remote.test","status":"deferred","attempts":3,"last_error":{"code":451,"text":"try later","remote":"192.0.2.1","at":"2026-01-31T11:00:00Z"},"next_attempt":"2026-01-31T12:05:00Z","size":10240})";
    state.answers["GET /v1/queue?filter=status%3Ddeferred"] = {200, R"({"items":[)" + item + "]}"};
    state.answers["POST /v1/queue/actions/retry"] = {200, R"({"changed":1})"};
    state.answers["POST /v1/queue/actions/hold"] = {200, R"({"changed":0})"};
    state.answers["POST /v1/queue/actions/drop"] = {200, R"({"changed":1})"};
    CHECK(run_mailctl(state, {"queue", "list", "--filter", "status=deferred"}).out ==
          "01a\ta@example.org\tb@remote.test\tdeferred\t3\t2026-01-31T12:05:00Z\ttry later\n");
    CHECK(run_mailctl(state, {"queue", "list", "--filter", "status=deferred", "-o", "table"}).out.find("in 5m") != std::string::npos);
    CHECK(run_mailctl(state, {"queue", "retry", "01a"}).out == "retrying 1 recipient\n");
    CHECK(json::parse(state.calls.back().body) == json::parse(R"({"ids":["01a"]})"));
    CHECK(run_mailctl(state, {"queue", "retry", "01a", "01b"}).code == 9);
    CHECK(run_mailctl(state, {"queue", "hold", "01a"}).code == 3);
    CHECK(run_mailctl(state, {"queue", "hold", "--filter", "status=deferred"}).code == 0);
    CHECK(run_mailctl(state, {"queue", "drop", "--filter", "status=deferred"}).code == 2);
    CHECK(run_mailctl(state, {"queue", "drop", "--filter", "status=deferred", "--yes", "--notify"}).out == "dropped 1 recipient\n");
    CHECK(json::parse(state.calls.back().body) == json::parse(R"({"filter":"status=deferred","notify":true})"));
    CHECK(run_mailctl(state, {"queue", "drop", "--filter", "status=deferred"}, "n\n", true).err.find("drop 1 recipient for good") == 0);
    CHECK(run_mailctl(state, {"queue", "drop", "--filter", "status=deferred", "--dry-run", "-o", "name"}).out == "queue/01a\n");
    CHECK(run_mailctl(state, {"queue", "drop", "01a", "--notify", "--silent"}).code == 2);
    state.answers["GET /v1/queue/01a/message"] = {200, "Subject: x\r\n\r\nbody\r\n"};
    CHECK(run_mailctl(state, {"queue", "dump", "01a"}).out == "Subject: x\r\n\r\nbody\r\n");
}

TEST_CASE("a new password goes to its action and nowhere else") {
    FakeState state;
    state.answers["POST /v1/mailboxes/ann@example.org/actions/password"] = {200, "{}"};
    const Outcome outcome = run_mailctl(state, {"mailbox", "password", "ann@example.org", "--password-stdin", "-v"}, "geheim");
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "changed the password of mailbox ann@example.org\n");
    CHECK(outcome.err.find("geheim") == std::string::npos);
    CHECK(json::parse(state.calls.back().body) == json::parse(R"({"password":{"value":"geheim"}})"));
    CHECK(run_mailctl(state, {"mailbox", "password", "ann@example.org"}).code == 2); // no terminal to ask on
    CHECK(run_mailctl(state, {"mailbox", "password", "ann@example.org", "--password-stdin"}, "").code == 7);
    CHECK(run_mailctl(state, {"mailbox", "password", "ann@example.org", "--password-stdin", "--generate-password"}).code == 2);
    const std::string one = generate_password();
    CHECK(one.size() == 20);
    CHECK(one != generate_password());
    CHECK(one.find_first_of("lIO01") == std::string::npos);
}

TEST_CASE("adding to a list keeps the rest and minds other people's changes") {
    FakeState state;
    state.answers["GET /v1/groups/staff@example.org"] = {200, R"({"kind":"group","name":"staff@example.org","spec":{"members":["ann@example.org"]},"meta":{"version":"7"}})"};
    state.answers["PATCH /v1/groups/staff@example.org"] = {200, R"({"kind":"group","name":"staff@example.org","spec":{},"meta":{"version":"8"}})"};
    CHECK(run_mailctl(state, {"group", "member", "add", "staff@example.org", "bob@example.org", "Ann@example.org"}).out ==
          "changed group staff@example.org\n");
    CHECK(json::parse(state.calls.back().body) == json::parse(R"({"spec":{"members":["ann@example.org","bob@example.org"]}})"));
    CHECK(state.calls.back().headers.back() == std::pair<std::string, std::string>{"If-Match", "\"7\""});
    CHECK(run_mailctl(state, {"group", "member", "remove", "staff@example.org", "ann@example.org"}).code == 0);
    CHECK(json::parse(state.calls.back().body) == json::parse(R"({"spec":{"members":[]}})"));
    state.answers["PATCH /v1/groups/staff@example.org"] = {412, R"({"status":412,"code":"stale","detail":"changed"})"};
    CHECK(run_mailctl(state, {"group", "member", "add", "staff@example.org", "bob@example.org"}).code == 8);
    CHECK(run_mailctl(state, {"group", "member", "list", "staff@example.org", "x"}).code == 2);
}

TEST_CASE("status, log, watch and history are for people and for scripts") {
    FakeState state;
    state.answers["GET /v1/status"] = {200, R"({"version":"0.1.0","uptime_seconds":3700,"revision":4,"hostname":"mx.example.org","listeners":[{"name":"mx","protocol":"smtp","bind":"*:25","state":"open","port":25,"sessions":2}],"queue":{"ready":1,"active":0,"deferred":2,"held":0},"store":{"engine":"sqlite"},"connections":2})"};
    const std::string text = run_mailctl(state, {"status", "-o", "table"}).out;
    CHECK(text.find("mx.example.org") != std::string::npos);
    CHECK(text.find("1h 1m") != std::string::npos);
    CHECK(text.find("1 ready, 0 active, 2 deferred, 0 held") != std::string::npos);
    CHECK(text.find("LISTENER") != std::string::npos);
    CHECK(json::parse(run_mailctl(state, {"status", "-o", "json"}).out).at("revision") == json::value(4));
    state.answers["WATCH /v1/log?event=auth_failed"] = {200, "{\"sequence\":1,\"at\":\"2026-01-31T11:59:58Z\",\"level\":\"warn\",\"event\":\"auth_failed\",\"fields\":{\"user\":\"a b\\u001b\",\"remote\":\"192.0.2.7\"}}\n"};
    CHECK(run_mailctl(state, {"log", "--event", "auth_failed"}).out ==
          "2026-01-31T11:59:58Z warn  auth_failed user=\"a b\\x1b\" remote=192.0.2.7\n");
    CHECK(run_mailctl(state, {"log", "--event", "auth_failed"}, "", true).out == "11:59:58 warn  auth_failed user=\"a b\\x1b\" remote=192.0.2.7\n");
    state.answers["WATCH /v1/watch?kinds=queue,mailbox"] = {200, "{\"type\":\"sync\"}\n{\"type\":\"heartbeat\"}\n{\"type\":\"change\",\"kind\":\"mailbox\",\"name\":\"ann@example.org\",\"revision\":7}\n"};
    CHECK(run_mailctl(state, {"watch", "queue", "mailbox"}).out == "mailbox ann@example.org changed (revision 7)\n");
    state.answers["GET /v1/history"] = {200, R"({"items":[{"number":7,"revision":6,"at":"2026-01-31T11:00:00Z","actor":"root","set":"default","operations":[{"action":"create","kind":"domain","name":"example.org","changes":[]},{"action":"update","kind":"mailbox","name":"ann@example.org","changes":[{"field":"quota","before":"1GiB","after":"2GiB"}]}]}]})"};
    CHECK(run_mailctl(state, {"history"}).out == "7\t6\t2026-01-31T11:00:00Z\troot\tdefault\t1 created, 1 changed\n");
    state.answers["GET /v1/history?limit=1000"] = state.answers["GET /v1/history"];
    CHECK(run_mailctl(state, {"history", "show", "7", "-o", "table"}).out.find("quota  1GiB -> 2GiB") != std::string::npos);
    CHECK(run_mailctl(state, {"history", "show", "8"}).code == 3);
    state.answers["GET /v1/history"] = {200, R"({"items":[{"number":9,"revision":null,"at":"2026-01-31T11:00:00Z","actor":"uid:0","set":"","summary":"restored 2 messages of mailbox ann@example.org into INBOX","operations":[{"action":"restore","kind":"mailbox","name":"ann@example.org","changes":[{"field":"INBOX","before":"","after":"2 messages"}]}]},)"
        R"({"number":8,"revision":8,"at":"2026-01-31T11:00:00Z","actor":"uid:0","set":"","summary":"1 reconnect","operations":[{"action":"reconnect","kind":"mailbox","name":"b@example.org","was":"a@example.org","changes":[]}]},)"
        R"({"number":7,"revision":7,"at":"2026-01-31T11:00:00Z","actor":"uid:0","set":"","summary":"1 update","operations":[{"action":"update","kind":"mailbox","name":"a@example.org","changes":[{"field":"litigation_hold","before":"","after":"true"}]}]}]})"};
    CHECK(run_mailctl(state, {"history"}).out == "9\t\t2026-01-31T11:00:00Z\tuid:0\t\trestored 2 messages of mailbox ann@example.org into INBOX\n"
                                                 "8\t8\t2026-01-31T11:00:00Z\tuid:0\t\treconnected mailbox b@example.org (was a@example.org)\n"
                                                 "7\t7\t2026-01-31T11:00:00Z\tuid:0\t\tchanged mailbox a@example.org (litigation_hold)\n");
    state.answers["GET /v1/history?limit=1000"] = state.answers["GET /v1/history"];
    CHECK(run_mailctl(state, {"history", "show", "9", "-o", "table"}).out ==
          "entry 9, 2026-01-31T11:00:00Z, by uid:0\nrestored 2 messages of mailbox ann@example.org into INBOX\n"
          "+ mailbox ann@example.org (restored)\n    INBOX  2 messages\n");
    CHECK(run_mailctl(state, {"history", "show", "8", "-o", "table"}).out.find("+ mailbox b@example.org (reconnected, was a@example.org)") != std::string::npos);
}

TEST_CASE("explain needs no server") {
    CHECK(run_mailctl({"explain", "limits", "-o", "tsv"}).out.find("message_bytes\t52428800\tbytes\t") != std::string::npos);
    CHECK(run_mailctl({"explain", "event", "auth_failed"}).out.find("A sign-in failed") != std::string::npos);
    CHECK(run_mailctl({"explain", "auth_failed"}).code == 0);
    CHECK(run_mailctl({"explain", "event", "auth_faild"}).err.find("did you mean auth_failed?") != std::string::npos);
    CHECK(run_mailctl({"explain", "mailbox.quota"}).out.find("quota") != std::string::npos);
    CHECK(run_mailctl({"explain", "mailbox"}).code == 0);
    CHECK(run_mailctl({"explain", "mialbox"}).code == 3);
}

TEST_CASE("CSV is read as RFC 4180 says") {
    using Rows = std::vector<std::vector<std::string>>;
    CHECK(read_csv("a,b\r\n1,\"x, \"\"y\"\"\nz\"\n\n2,\n") == Rows{{"a", "b"}, {"1", "x, \"y\"\nz"}, {"2", ""}});
    CHECK(read_csv("").empty());
    CHECK(read_csv("a") == Rows{{"a"}});
}

TEST_CASE("many at once from CSV: what fails is told, the rest goes on") {
    FakeState state;
    state.answers["PUT /v1/mailboxes/ann@example.org"] = {201, ann};
    const Outcome outcome = run_mailctl(state, {"mailbox", "create", "-f", "-"},
                                        "address,display_name,quota\nann@example.org,Ann,1GiB\nbob@example.org,Bob,\n");
    CHECK(outcome.code == 9);
    CHECK(outcome.out == "created mailbox ann@example.org\n");
    CHECK(outcome.err.find("bob@example.org") != std::string::npos);
    CHECK(run_mailctl(state, {"mailbox", "create", "-f", "-"}, "address,nme\nx@example.org,y\n").code == 7);
    CHECK(run_mailctl(state, {"mailbox", "create", "-f", "-"}, "address,password\nx@example.org,y\n").code == 7);
}
