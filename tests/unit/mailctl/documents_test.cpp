#include "mailctl/commands/documents.hpp"
#include "tests/catch.hpp"
#include "tests/unit/mailctl/fake_server.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace mail;
using namespace mail::mailctl;
using namespace mail::mailctl::test;
namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

/// A folder of files that goes away.
class Folder {
  public:
    Folder() : path_(fs::temp_directory_path() / ("mailctl-test-" + std::to_string(::getpid()))) {
        fs::remove_all(path_);
        fs::create_directories(path_);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }
    std::string write(const std::string& name, const std::string& text) const {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name) << text;
        return (path_ / name).string();
    }
    std::string path() const { return path_.string(); }

  private:
    fs::path path_;
};

const char* const site = "kind: domain\nitems:\n  example.org: {}\n---\nkind: mailbox\nitems:\n  ann@example.org: {quota: 2GiB}\n";
const char* const created = R"({"plan_hash":"h1","base_revision":1,"operations":[{"action":"create","kind":"domain","name":"example.org","changes":[]}],"warnings":[],"effects":[],"summary":{"create":1}})";
const char* const nothing = R"({"plan_hash":"h0","base_revision":1,"operations":[],"warnings":[],"effects":[],"summary":{}})";

} // namespace

TEST_CASE("apply sends all documents once and says what was done") {
    const Folder folder;
    folder.write("10-domains.yaml", "kind: domain\nname: example.org\nspec: {}\n");
    folder.write("sub/20-people.yml", "kind: mailbox\nname: ann@example.org\nspec: {quota: 2GiB}\n");
    folder.write(".git/x.yaml", "not: read\n");
    folder.write("notes.txt", "not read\n");
    FakeState state;
    state.answers["POST /v1/apply"] = {200, created};
    const Outcome outcome = run_mailctl(state, {"apply", "-f", folder.path(), "--yes", "--set", "prod", "--prune"});
    INFO(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "applied: 1 created\n");
    REQUIRE(state.calls.size() == 1);
    const json::value body = json::parse(state.calls[0].body);
    CHECK(body.at("set") == json::value("prod"));
    CHECK(body.at("prune") == json::value(true));
    CHECK(body.at("documents").as_array().size() == 2);
    CHECK(body.at("documents").at(1).at("name") == json::value("ann@example.org"));
}

TEST_CASE("apply without --yes plans, asks, and sends the plan's hash") {
    const Folder folder;
    const std::string file = folder.write("site.yaml", site);
    FakeState state;
    state.answers["POST /v1/plan"] = {200, created};
    state.answers["POST /v1/apply"] = {200, created};
    const Outcome refused = run_mailctl(state, {"apply", "-f", file});
    CHECK(refused.code == 2);
    CHECK(refused.err.find("--yes") != std::string::npos);
    const Outcome yes = run_mailctl(state, {"apply", "-f", file}, "y\n", true);
    CHECK(yes.code == 0);
    CHECK(yes.out.find("+ domain example.org") == 0);
    CHECK(json::parse(state.calls.back().body).at("plan_hash") == json::value("h1"));
    CHECK(run_mailctl(state, {"apply", "-f", file}, "\n", true).code == 1);
    state.answers["POST /v1/apply"] = {412, R"({"status":412,"code":"stale_plan","detail":"the server has changed since the plan was made"})"};
    CHECK(run_mailctl(state, {"apply", "-f", file, "--yes"}).code == 8);
}

TEST_CASE("no changes is said on stdout and needs no confirmation") {
    FakeState state;
    state.answers["POST /v1/plan"] = {200, nothing};
    state.answers["POST /v1/apply"] = {200, nothing};
    CHECK(run_mailctl(state, {"apply", "-f", "-"}, site).out == "no changes\n");
    CHECK(run_mailctl(state, {"apply", "-f", "-", "--yes"}, site).out == "no changes\n");
    CHECK(run_mailctl(state, {"plan", "-f", "-", "--exit-code"}, site).code == 0);
    state.answers["POST /v1/plan"] = {200, created};
    CHECK(run_mailctl(state, {"plan", "-f", "-"}, site).code == 0);
    CHECK(run_mailctl(state, {"plan", "-f", "-", "--exit-code"}, site).code == 10);
    CHECK(run_mailctl(state, {"apply", "-f", "-", "--dry-run"}, site).out.find("plan: 1 to create\n") != std::string::npos);
}

TEST_CASE("faults in YAML are told at their place, and nothing is sent") {
    const Folder folder;
    const std::string file = folder.write("site.yaml", "kind: mailbox\nname: ann@example.org\nspec:\n  qouta: 2GiB\n");
    FakeState state;
    const Outcome outcome = run_mailctl(state, {"apply", "-f", file, "--yes"});
    CHECK(outcome.code == 7);
    INFO(outcome.err);
    CHECK(outcome.err.find(file + ":4:3: ") == 0);
    CHECK(outcome.err.find("quota") != std::string::npos);
    CHECK(outcome.out.empty());
    CHECK(state.calls.empty());
    CHECK(run_mailctl(state, {"apply", "-f", folder.path() + "/absent.yaml", "--yes"}).code == 3);
    CHECK(run_mailctl(state, {"apply", "-f", "/dev/null", "--yes"}).code == 7);
}

TEST_CASE("faults the server finds are told at their place in the file") {
    const Folder folder;
    const std::string file = folder.write("site.yaml", "kind: mailbox\nname: ann@exmaple.org\nspec:\n  quota: 2GiB\n");
    FakeState state;
    for (const char* item : {R"("kind":"mailbox","name":"ann@exmaple.org","path":"quota","message":"too large")", R"("path":"mailbox ann@exmaple.org: quota","message":"too large")",
                             R"("path":"documents[0].spec.quota","message":"too large")",
                             R"("path":"","message":"mailbox ann@exmaple.org: quota: too large")"}) {
        state.answers["POST /v1/apply"] = {422, std::string(R"({"status":422,"code":"invalid","detail":"1 fault","errors":[{"code":"invalid",)") + item + "}]}"};
        const Outcome outcome = run_mailctl(state, {"apply", "-f", file, "--yes"});
        INFO(outcome.err);
        CHECK(outcome.code == 7);
        CHECK(outcome.err.find(file + ":") == 0);
        CHECK(outcome.err.find("too large") != std::string::npos);
    }
}

TEST_CASE("secrets are resolved here and never shown") {
    const Folder folder;
    folder.write("ann.pw", "s3cret\n");
    fs::permissions(folder.path() + "/ann.pw", fs::perms::owner_read);
    const std::string file = folder.write("site.yaml", "kind: mailbox\nname: ann@example.org\nspec:\n  password: {from: \"file:ann.pw\"}\n");
    FakeState state;
    state.answers["POST /v1/plan"] = {200, created};
    state.answers["POST /v1/apply"] = {200, created};
    CHECK(run_mailctl(state, {"apply", "-f", file, "--yes"}).code == 0);
    CHECK(json::parse(state.calls.back().body).at("documents").at(0).at("spec").at("password") == json::parse(R"({"value":"s3cret"})"));
    const Outcome plan = run_mailctl(state, {"plan", "-f", file, "-o", "json"});
    CHECK(plan.code == 0);
    CHECK(plan.out.find("s3cret") == std::string::npos);
    const std::string kept = folder.write("plan.json", plan.out);
    const Outcome applied = run_mailctl(state, {"apply", "--plan-file", kept, "--yes"});
    INFO(applied.err);
    CHECK(applied.code == 0);
    const json::value body = json::parse(state.calls.back().body);
    CHECK(body.at("plan_hash") == json::value("h1"));
    CHECK(body.at("documents").at(0).at("spec").at("password") == json::parse(R"({"value":"s3cret"})"));
    folder.write("inline.yaml", "kind: mailbox\nname: ann@example.org\nspec: {password: hello}\n");
    const Outcome refused = run_mailctl(state, {"apply", "-f", folder.path() + "/inline.yaml", "--yes"});
    CHECK(refused.code == 7);
    CHECK(refused.err.find("hello") == std::string::npos);
}

TEST_CASE("export prints what apply reads") {
    FakeState state;
    state.answers["GET /v1/export"] = {200, R"({"documents":[{"kind":"domain","name":"example.org","spec":{}},{"kind":"mailbox","name":"ann@example.org","spec":{"quota":"2GiB","password":{"keep":true}}}]})"};
    const std::string text = run_mailctl(state, {"export"}).out;
    CHECK(text.find("kind: domain") != std::string::npos);
    state.answers["POST /v1/apply"] = {200, nothing};
    CHECK(run_mailctl(state, {"apply", "-f", "-", "--yes"}, text).out == "no changes\n");
    const json::value body = json::parse(state.calls.back().body);
    CHECK(body.at("documents").at(1).at("spec") == json::parse(R"({"quota":"2GiB","password":{"keep":true}})"));
    CHECK(run_mailctl(state, {"export", "--kind", "mialbox"}).code == 2);
}

TEST_CASE("validate needs no server") {
    FakeState state;
    state.is_down = true;
    CHECK(run_mailctl(state, {"validate", "-f", "-"}, site).out == "valid: 2 objects\n");
    CHECK(run_mailctl(state, {"validate", "-f", "-"}, "kind: mailbox\nname: x\nspec: {}\n").code == 7);
    CHECK(state.calls.empty());
}
