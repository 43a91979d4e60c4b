#include "common/schema/secrets.hpp"

#include "common/schema/registry.hpp"
#include "common/schema/yaml.hpp"
#include "tests/catch.hpp"
#include "tests/unit/schema/support.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

using namespace mail;
using namespace mail::schema;
using namespace mail::schema::test;
namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path;
    Folder() {
        std::string name = (fs::temp_directory_path() / "schemaXXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    void write(const std::string& name, std::string_view text, fs::perms mode = fs::perms(0600)) const {
        std::ofstream(path / name, std::ios::binary) << text;
        fs::permissions(path / name, mode);
    }
};

/// The password after resolving, or the faults.
std::string resolved(const Folder& folder, std::string_view password, SecretOptions options = {}) {
    const std::string file = (folder.path / "site.yaml").string();
    const std::string yaml =
        "kind: mailbox\nname: a@b.test\nspec:\n  password: " + std::string(password) + "\n";
    auto read = read_yaml(yaml, file);
    REQUIRE(read.documents.size() == 1);
    if (!options.environment)
        options.environment = [](const char* name) -> const char* {
            return std::strcmp(name, "PW") == 0 ? "from env" : nullptr;
        };
    Issues issues;
    resolve_secrets(read.documents[0], options, issues);
    std::string faults;
    for (const auto& issue : issues)
        faults += to_text(issue).substr(folder.path.string().size() + 1) + "\n";
    return has_errors(issues) ? faults : faults + json::serialize(read.documents[0].spec->at("password"));
}

} // namespace

TEST_CASE("secrets come from where the document says") {
    const Folder folder;
    folder.write("pw", "from file\r\n");
    folder.write("open", "seen", fs::perms(0644));
    folder.write("empty", "\n");
    folder.write("two", "a\nb\n");
    folder.write("long", std::string(2000, 'x'));
    REQUIRE(mkfifo((folder.path / "fifo").c_str(), 0600) == 0);
    CHECK(resolved(folder, "{from: \"env:PW\"}") == R"({"value":"from env"})");
    CHECK(resolved(folder, "{from: \"file:pw\"}") == R"({"value":"from file"})");
    CHECK(resolved(folder, "{from: file:" + (folder.path / "pw").string() + "}") ==
          R"({"value":"from file"})");
    CHECK(resolved(folder, "{hash: \"sealed(x)\"}") == R"x({"hash":"sealed(x)"})x");
    CHECK(resolved(folder, "{keep: true}") == R"({"keep":true})");
    CHECK(resolved(folder, "{from: \"file:open\"}").find("warning: mailbox a@b.test: password: ") !=
          std::string::npos);
    const std::string at = "site.yaml:4:13: mailbox a@b.test: password: ";
    CHECK(resolved(folder, "{from: \"env:NONE\"}") ==
          at + "the environment has no NONE (set it for the program that reads the document)\n");
    CHECK(resolved(folder, "{from: \"file:gone\"}") ==
          at + "file:gone cannot be read: No such file or directory\n");
    CHECK(resolved(folder, "{from: \"file:empty\"}") == at + "file:empty is empty\n");
    CHECK(resolved(folder, "{from: \"file:two\"}") == at + "file:two holds more than one line\n");
    CHECK(resolved(folder, "{from: \"file:long\"}") == at + "file:long is longer than 1024 bytes\n");
    // Y09: what is no regular file is refused, and does not block.
    CHECK(resolved(folder, "{from: \"file:fifo\"}") == at + "file:fifo is no regular file\n");
    CHECK(resolved(folder, "{from: \"file:.\"}") == at + "file:. is no regular file\n");
    CHECK(resolved(folder, "{from: \"credential:../pw\"}").find("is no source of a secret") !=
          std::string::npos);
    CHECK(resolved(folder, "{from: stdin}") == at + "standard input is taken\n");
    SecretOptions stdin_options;
    stdin_options.read_stdin = [] { return Result<std::string>(std::string("typed\n")); };
    CHECK(resolved(folder, "{from: stdin}", stdin_options) == R"({"value":"typed"})");
    SecretOptions credentials;
    const std::string place = folder.path.string();
    credentials.environment = [&](const char* name) {
        return std::strcmp(name, "CREDENTIALS_DIRECTORY") == 0 ? place.c_str() : nullptr;
    };
    CHECK(resolved(folder, "{from: \"credential:pw\"}", credentials) == R"({"value":"from file"})");
}

TEST_CASE("Y10: a secret in the document needs leave, and is never echoed") {
    const Folder folder;
    for (const char* inline_secret : {"hunter2", "{value: hunter2}"}) {
        const std::string faults = resolved(folder, inline_secret);
        CHECK(faults.find("the secret stands in the document") != std::string::npos);
        CHECK(faults.find("hunter2") == std::string::npos);
        SecretOptions allowed;
        allowed.allow_inline = true;
        CHECK(resolved(folder, inline_secret, allowed) == R"({"value":"hunter2"})");
        folder.write("site.yaml", "x", fs::perms(0644));
        CHECK(resolved(folder, inline_secret, allowed).find("everybody can read") != std::string::npos);
        fs::remove(folder.path / "site.yaml");
    }
    CHECK(faults_of("kind: mailbox\nname: a@b.test\nspec: {password: [hunter2]}\n").find("hunter2") ==
          std::string::npos);
    CHECK(faults_of("kind: mailbox\nname: a@b.test\nspec: {password: {value: {hunter2: 1}}}\n")
              .find("hunter2") == std::string::npos);
}

TEST_CASE("secrets settle beside what is stored") {
    const auto& kind = *find_kind("mailbox");
    const PlainSealer sealer;
    const auto settled = [&](const char* desired, const char* current) {
        Issues issues;
        const json::object wanted = json::parse(desired).as_object();
        const json::object stored = current != nullptr ? json::parse(current).as_object() : json::object{};
        const auto out =
            settle(kind, "a@b.test", wanted, current != nullptr ? &stored : nullptr, sealer, issues);
        return issues.empty() ? json::serialize(out) : to_text(issues.front());
    };
    const char* const stored = R"x({"password":{"hash":"sealed(pw)","fingerprint":"2"}})x";
    CHECK(settled("{}", stored) == stored);
    CHECK(settled(R"({"password":{"keep":true}})", stored) == stored);
    CHECK(settled(R"({"password":{"value":"pw"}})", stored) == stored);
    CHECK(settled(R"x({"password":{"hash":"sealed(pw)"}})x", stored) == stored);
    CHECK(settled(R"({"password":{"value":"other"}})", stored) == R"({"password":{"value":"other"}})");
    CHECK(settled(R"x({"password":{"hash":"sealed(other)"}})x", stored) ==
          R"x({"password":{"hash":"sealed(other)"}})x");
    CHECK(settled("{}", nullptr) == "{}");
    CHECK(settled(R"({"password":{"keep":true}})", nullptr).find("nothing to keep") != std::string::npos);
    CHECK(settled(R"({"password":{"keep":true}})", "{}").find("nothing to keep") != std::string::npos);
    CHECK(settled(R"({"password":{"hash":"MD5"}})", nullptr).find("cannot be used: unknown scheme") !=
          std::string::npos);
    const auto sealed = seal_secrets(kind, json::parse(R"({"password":{"value":"pw"}})").as_object(), sealer);
    CHECK(json::serialize(sealed.value()) == stored);
    const auto route = json::parse(R"({"password":{"value":"pw"}})").as_object();
    CHECK(seal_secrets(*find_kind("route"), route, sealer).value() == route);
}
