#include "mailctl/context.hpp"
#include "mailctl/help.hpp"
#include "mailctl/nouns.hpp"
#include "tests/catch.hpp"
#include "tests/unit/mailctl/fake_server.hpp"

#include "common/schema/registry.hpp"

using namespace mail;
using namespace mail::mailctl;
using namespace mail::mailctl::test;

namespace {

Result<Invocation> parse(const std::string& noun, const std::string& verb, const std::vector<std::string>& args) {
    const auto spec = find_noun(noun);
    REQUIRE(spec);
    const CommandSpec* command = find_command(*spec, verb);
    REQUIRE(command != nullptr);
    return parse_arguments(noun, *command, args);
}

} // namespace

TEST_CASE("flags come from the kinds' tables") {
    const auto given = parse("mailbox", "create", {"ann@example.org", "--display-name", "Ann Archer", "--quota=2GiB", "--aliases",
                                                   "a@example.org", "--aliases", "b@example.org,c@example.org", "--no-enabled"});
    REQUIRE(given);
    CHECK(given->arguments == std::vector<std::string>{"ann@example.org"});
    CHECK(given->value("display-name") == "Ann Archer");
    CHECK(given->value("quota") == "2GiB");
    CHECK(given->values("aliases").size() == 2);
    CHECK(given->value("enabled") == "false");
    CHECK(parse("mailbox", "create", {"a@example.org", "--enabled=false"})->value("enabled") == "false");
    CHECK(parse("mailbox", "create", {"a@example.org", "--enabled=no"})->value("enabled") == "false");
    CHECK(parse("mailbox", "create", {"a@example.org", "--enabled"})->value("enabled") == "true");
    CHECK(!parse("mailbox", "create", {"a@example.org"})->has("enabled"));
}

TEST_CASE("every command of every noun parses its own examples") {
    for (const NounEntry& entry : all_nouns()) {
        const auto noun = find_noun(entry.name);
        REQUIRE(noun);
        for (const CommandSpec& command : noun->commands) {
            CHECK(!command.summary.empty());
            CHECK(command.summary.back() != '.');
            CHECK(!command.examples.empty());
            CHECK(!help_command(*noun, command, {}).empty());
        }
    }
    CHECK(find_noun("mailboxes")->name == "mailbox");
    CHECK(find_command(*find_noun("mailbox"), "ls")->verb == "list");
    CHECK(find_command(*find_noun("mailbox"), "li") == nullptr); // no abbreviations
    CHECK(find_command(*find_noun("server"), "create") == nullptr);
}

TEST_CASE("global options stand anywhere") {
    FakeState state;
    state.answers["GET /v1/queue?limit=1000"] = {200, R"({"items":[]})"};
    CHECK(run_mailctl(state, {"-o", "json", "queue", "list"}).code == 0);
    CHECK(run_mailctl(state, {"queue", "-ojson", "list"}).code == 0);
    CHECK(run_mailctl(state, {"queue", "list", "--output=json"}).out == "{\n  \"items\": []\n}\n");
    CHECK(run_mailctl(state, {"--socket", "/x/y", "queue", "list"}).code == 0);
    CHECK(state.socket == "/x/y");
}

TEST_CASE("usage errors end with 2 and say what to do") {
    const auto expect = [](const std::vector<std::string>& args, const std::string& message, const std::string& hint) {
        const Outcome outcome = run_mailctl(args);
        INFO(outcome.err);
        CHECK(outcome.code == 2);
        CHECK(outcome.out.empty());
        CHECK(outcome.err.find("error: " + message) == 0);
        CHECK(outcome.err.find(hint) != std::string::npos);
        CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') <= 3);
    };
    expect({"mialbox", "list"}, "there is no command mialbox", "did you mean mailbox?");
    expect({"mailbox", "crate"}, "there is no mailbox command crate", "did you mean create?");
    expect({"mailbox"}, "mailctl mailbox needs a verb: list, show", "mailctl mailbox --help");
    expect({"mailbox", "create", "a@example.org", "--qouta", "1GiB"}, "there is no option --qouta", "did you mean --quota?");
    expect({"mailbox", "create", "a@example.org", "--quota"}, "--quota needs a value", "--help");
    expect({"mailbox", "create", "a@example.org", "--type", "usr"}, "--type cannot be usr", "did you mean user?");
    expect({"mailbox", "create", "a@example.org", "--password", "x"}, "there is no option --password", "--password-stdin or --password-file");
    expect({"mailbox", "show"}, "mailbox show: <address> is missing", "usage: mailctl mailbox show <address>...");
    expect({"mailbox", "list", "extra"}, "unexpected argument extra", "usage:");
    expect({"queue", "list", "-x"}, "there is no option -x", "--help");
    expect({"queue", "list", "--limit", "many"}, "--limit needs a number", "");
    expect({"queue", "list", "--timeout", "10"}, "--timeout needs a duration", "");
    expect({"queue", "list", "-o", "xml"}, "--output cannot be xml", "table, wide, json");
    expect({"queue", "retry"}, "queue retry needs ids, --filter or --all", "--filter status=deferred");
    expect({"--bogus"}, "there is no option --bogus", "help options");
    expect({"apply"}, "apply needs -f", "-f site.yaml");
    expect({"mailbox", "set", "a@example.org"}, "mailbox set needs at least one option", "--help");
}

TEST_CASE("with -o json a usage error is a problem object") {
    const Outcome outcome = run_mailctl({"mialbox", "list", "-o", "json"});
    CHECK(outcome.code == 2);
    CHECK(outcome.err.find("\"code\":\"usage\"") != std::string::npos);
}

TEST_CASE("help is on stdout and ends with 0") {
    for (const auto& args : std::vector<std::vector<std::string>>{{}, {"help"}, {"--help"}, {"help", "mailbox"}, {"mailbox", "--help"},
             {"mailbox", "create", "--help"}, {"help", "mailbox", "create"}, {"help", "exit-codes"}, {"help", "environment"},
             {"help", "formatting"}, {"help", "filters"}, {"help", "options"}, {"apply", "-h"}, {"history", "show", "--help"}}) {
        const Outcome outcome = run_mailctl(args);
        CHECK(outcome.code == 0);
        CHECK(outcome.out.size() > 100);
        CHECK(outcome.err.empty());
    }
    const std::string text = run_mailctl({"mailbox", "create", "--help"}).out;
    for (const char* part : {"usage: mailctl mailbox create [<address>] [options]", "--display-name <", "--[no-]enabled",
                             "--type {user | shared | room | equipment}", "--password-stdin", "--generate-password", "--if-absent"})
        CHECK(text.find(part) != std::string::npos);
    CHECK(run_mailctl({"help", "nonsense"}).code == 2);
    CHECK(run_mailctl({"--version"}).out.starts_with("mailctl "));
}

TEST_CASE("--host: a socket here, or ssh and nothing ssh could take for an option") {
    const auto remote = parse_remote("ssh://root@mx1.example.org:2222/srv/admin.sock");
    REQUIRE(remote);
    CHECK(remote->destination == "root@mx1.example.org");
    CHECK(remote->port == "2222");
    CHECK(remote->socket == "/srv/admin.sock");
    CHECK(parse_remote("ssh://mx1")->socket == "/run/maild/admin.sock");
    CHECK(parse_remote("ssh://root@[2001:db8::1]:22")->destination == "root@2001:db8::1");
    for (const char* bad : {"http://x", "ssh://", "ssh://-oProxyCommand=x", "ssh://a@-b", "ssh://a b", "ssh://a;b", "ssh://a:b", "ssh://a/x:y"})
        CHECK(!parse_remote(bad));
    FakeState state;
    state.answers["GET /v1/domains?limit=1000"] = {200, R"({"items":[]})"};
    CHECK(run_mailctl(state, {"--host", "unix:/x/y", "domain", "list"}).code == 0);
    CHECK(state.socket == "/x/y");
    CHECK(run_mailctl({"--host", "ftp://x", "domain", "list"}).code == 2);
}

TEST_CASE("the manual page holds every command") {
    const std::string page = run_mailctl({"__man"}).out;
    CHECK(page.starts_with(".TH MAILCTL 1 "));
    CHECK(page.find(".SS mailbox create\n") != std::string::npos);
    CHECK(page.find("\\-\\-display\\-name <text>") != std::string::npos);
    CHECK(page.find("\n'") == std::string::npos);
}

TEST_CASE("completion offers nouns, verbs, options, choices and live names") {
    FakeState state;
    state.answers["GET /v1/mailboxes?filter=name~an&limit=200"] = {200, R"({"items":[{"name":"ann@example.org"}]})"};
    const auto offers = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"__complete", "--"});
        return run_mailctl(state, words).out;
    };
    CHECK(offers({"mailb"}) == "mailbox\n");
    CHECK(offers({"mailbox", "cr"}) == "create\n");
    CHECK(offers({"mailbox", "create", "--dis"}) == "--display-name\n");
    CHECK(offers({"mailbox", "create", "x@example.org", "--type", "r"}) == "room\n");
    CHECK(offers({"mailbox", "show", "an"}) == "ann@example.org\n");
    CHECK(offers({"-o", "js"}) == "json\n");
    CHECK(offers({"queue", "li"}) == "list\n");
    CHECK(offers({"nonsense", "x"}).empty());
}
