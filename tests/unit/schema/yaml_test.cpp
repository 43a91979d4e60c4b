#include "common/schema/yaml.hpp"

#include "common/base/limits.hpp"
#include "common/schema/json.hpp"
#include "common/schema/kinds/listener.hpp"
#include "common/schema/kinds/mailbox.hpp"
#include "common/schema/kinds/route.hpp"
#include "tests/catch.hpp"
#include "tests/unit/schema/support.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>

using namespace mail;
using namespace mail::schema;
using namespace mail::schema::test;
namespace json = boost::json;

namespace {

const Document& named(const std::vector<Document>& documents, std::string_view kind, std::string_view name) {
    for (const auto& document : documents)
        if (document.kind == kind && document.name == name)
            return document;
    FAIL("no " << kind << " " << name);
    return documents.front();
}

} // namespace

TEST_CASE("the contract's example reads as it stands") {
    const auto documents = documents_of(contract_site);
    CHECK(documents.size() == 1 + 1 + 11 + 1 + 4 + 1 + 2 + 1);
    const auto& ann = named(documents, "mailbox", "ann@example.test");
    CHECK(
        json::serialize(*ann.spec) ==
        R"({"display_name":"Ann Archer","quota":"2GiB","password":{"from":"env:ANN_PASSWORD"},"aliases":["a.archer@example.test"]})");
    const auto board =
        decode<Mailbox>("board@example.test", *named(documents, "mailbox", "board@example.test").spec);
    REQUIRE(board.has_value());
    CHECK(board->address == "board@example.test");
    CHECK(board->type == "room");
    CHECK(board->capacity == 12);
    CHECK(board->quota == 2147483648U);
    const auto imaps = decode<Listener>("imaps", *named(documents, "listener", "imaps").spec);
    REQUIRE(imaps.has_value());
    CHECK(imaps->bind == "127.0.0.1:2993");
    CHECK(imaps->tls == "implicit");
    CHECK(imaps->certificate == "default");
    CHECK(imaps->plaintext_auth == "refuse");
    const auto& internet = named(documents, "route", "internet");
    CHECK(
        json::serialize(*internet.spec) ==
        R"({"domains":["*"],"relay":"smtp.isp.test:587","tls":"required","user":"site","password":{"from":"env:ISP_PASSWORD"}})");
    CHECK(faults_of(contract_site) == "");
}

TEST_CASE("faults in YAML are told at their place") {
    struct Row {
        const char* yaml;
        const char* faults;
    };
    const Row rows[] = {
        // Y05: unknown and misspelt words
        {"kind: listener\nitems:\n  mx: {protocol: smtp, bind: \"*:25\", allow_relay_form: [10.0.0.0/8]}\n",
         "t.yaml:3:38: listener mx: allow_relay_form: unknown field \"allow_relay_form\" (did you mean "
         "relay_from?)\n"},
        {"kind: mailbox\nname: a@b.test\nspec:\n  qouta: 1GiB\n  enabled: maybe\n",
         "t.yaml:4:3: mailbox a@b.test: qouta: unknown field \"qouta\" (did you mean quota?)\n"
         "t.yaml:5:12: mailbox a@b.test: enabled: \"maybe\" is no boolean (write true or false)\n"},
        {"kind: mailbx\nname: a@b.test\n",
         "t.yaml:1:7: there is no kind \"mailbx\" (did you mean mailbox?)\n"},
        {"kind: domain\nnames: x.test\n", "t.yaml:2:1: unknown word \"names\" (did you mean name?)\n"},
        {"name: x.test\n",
         "t.yaml:1:1: kind is missing (the first line of a document is, for example, kind: mailbox)\n"},
        {"kind: domain\n", "t.yaml:1:1: name is missing (or items for several objects)\n"},
        {"- a\n- b\n", "t.yaml:1:1: a document is a mapping with kind, name and spec\n"},
        {"kind: domain\nname: a.test\nitems: {b.test: {}}\n", "t.yaml:2:1: goes not together with items\n"},
        {"kind: domain\nitems: [a.test]\n", "t.yaml:2:8: items is a mapping from names to fields\n"},
        {"kind: domain\nitems: {a.test: 5}\n",
         "t.yaml:2:17: the fields of a domain are a mapping (write {} for none)\n"},
        {"kind: server\nname: other\n",
         "t.yaml:2:7: server other: there is only one server (its name is server and may be left out)\n"},
        // Y04: types come from the schema
        {"kind: domain\nitems:\n  a.test: {enabled: no}\n",
         "t.yaml:3:21: domain a.test: enabled: \"no\" is no boolean (write true or false)\n"},
        {"kind: mailbox\nitems:\n  a@b.test: {capacity: 1e3, type: room}\n",
         "t.yaml:3:24: mailbox a@b.test: capacity: \"1e3\" is no whole number\n"},
        {"kind: mailbox\nitems:\n  a@b.test: {display_name: }\n",
         "t.yaml:3:28: mailbox a@b.test: display_name: has no value (leave it out for the default)\n"},
        {"kind: domain\nitems:\n  a.test: {}\n  a.test: {enabled: false}\n",
         "t.yaml:4:3: \"a.test\" is written twice (first in line 3)\n"},
        {"kind: domain\nitems:\n  a.test: {}\n---\nkind: domain\nname: A.Test\n",
         "t.yaml:6:7: domain a.test: is described twice (first at t.yaml:3)\n"},
        {"kind: domain\nitems:\n  a.test:\n    enabled: true\n    enabled: false\n",
         "t.yaml:5:5: \"enabled\" is written twice (first in line 4)\n"},
        {"kind: domain\nitems:\n\ta.test: {}\n",
         "t.yaml:3:8: cannot be read as YAML: illegal map value (indent with spaces, not with tabs)\n"},
        // Y03: tags
        {"kind: !!python/object domain\nname: a.test\n",
         "t.yaml:1:7: tags are refused (the kind of resource decides the type)\n"},
        {"kind: domain\nname: !!binary YS50ZXN0\n",
         "*t.yaml:2:7: tags are refused (the kind of resource decides the type)\n"},
        {"kind: domain\nitems: !mine {a.test: {}}\n",
         "t.yaml:2:8: tags are refused (the kind of resource decides the type)\n"},
        {"kind: domain\nitems: {a.test: !!null ~}\n",
         "*t.yaml:2:17: tags are refused (the kind of resource decides the type)\n"},
        // merge keys, keys that are no text, aliases in themselves
        {"kind: domain\nitems:\n  a.test: &a {enabled: false}\n  b.test: {<<: *a}\n",
         "*t.yaml:4:12: merge keys are refused (use defaults)\n"},
        {"kind: domain\nitems:\n  ? [a, b]\n  : {}\n", "t.yaml:3:5: a key must be a plain text\n"},
        {"kind: domain\nitems: &a\n  a.test: *a\n",
         "t.yaml:3:11: an alias stands inside what it stands for\n"},
        {"kind: domain\nitems: *gone\n",
         "t.yaml:2:8: cannot be read as YAML: the referenced anchor is not defined\n"},
        {"kind: domain\nitems: {a.test: {}\n", "*cannot be read as YAML"},
        {"kind: domain\nname: \"a\xff.test\"\n", "t.yaml:2:1: the line is not UTF-8 text\n"},
        // all faults of all documents, rules of fields and between fields
        {"kind: listener\nitems:\n  a: {protocol: smpt}\n---\nkind: route\nname: r\nspec: {domains: [], "
         "port: 70000, user: x}\n",
         "t.yaml:3:3: listener a: bind: is required (for example *:143)\n"
         "t.yaml:3:17: listener a: protocol: \"smpt\" is none of smtp, submission, lmtp, imap, pop3, http, "
         "managesieve, admin "
         "(did you mean smtp?)\n"
         "t.yaml:7:17: route r: domains: is required (for example *)\n"
         "t.yaml:7:27: route r: port: 70000 is out of range (between 1 and 65535)\n"},
        {"kind: mailbox\nname: a@b.test\nspec: {address: a@b.test}\n",
         "t.yaml:3:8: mailbox a@b.test: address: \"address\" is the object's name and stands outside spec\n"},
        {"kind: mailbox\nitems:\n  not an address: {}\n", "*t.yaml:3:3: mailbox not an address: "},
        {"kind: mailbox\ndefaults: {qouta: 1GiB}\nitems: {a@b.test: {}, c@b.test: {}}\n",
         "t.yaml:2:12: mailbox a@b.test: qouta: unknown field \"qouta\" (did you mean quota?)\n"},
        {"kind: group\nname: g@b.test\nspec:\n  members:\n    - a@b.test\n    - nonsense\n",
         "*t.yaml:6:7: group g@b.test: members[1]: \"nonsense\" is no mail address"},
    };
    for (const auto& row : rows) {
        const std::string faults = faults_of(row.yaml);
        INFO(row.yaml);
        if (row.faults[0] == '*') {
            INFO(faults);
            CHECK(faults.find(row.faults + 1) != std::string::npos);
        } else {
            CHECK(faults == row.faults);
        }
    }
}

TEST_CASE("texts stay texts whatever YAML would make of them") {
    const auto documents = documents_of(
        "kind: mailbox\r\nitems:\r\n"
        "  no@b.test: {display_name: no}\r\n"
        "  a@b.test: {display_name: 0o17}\r\n"
        "  b@b.test: {display_name: 1e3}\r\n"
        "  c@b.test: {display_name: 2024-01-01, capacity: 0o17, type: room}\r\n"
        "  d@b.test: {display_name: \"null\", capacity: 012, type: room, enabled: \"false\"}\r\n");
    std::string all;
    for (const auto& document : documents)
        all += document.name + json::serialize(*document.spec) + "\n";
    CHECK(all == "no@b.test{\"display_name\":\"no\"}\n"
                 "a@b.test{\"display_name\":\"0o17\"}\n"
                 "b@b.test{\"display_name\":\"1e3\"}\n"
                 "c@b.test{\"display_name\":\"2024-01-01\",\"type\":\"room\",\"capacity\":15}\n"
                 "d@b.test{\"display_name\":\"null\",\"type\":\"room\",\"enabled\":false,\"capacity\":12}\n");
    CHECK(documents_of("\xef\xbb\xbfkind: domain\nname: a.test\n").size() == 1);
    CHECK(documents_of("").empty());
    CHECK(documents_of("# nothing\n---\n---\n").empty());
    CHECK(documents_of("kind: domain\nitems:\n").empty());
    CHECK(documents_of("kind: domain\nitems:\n  a.test:\n  b.test: ~\n").size() == 2);
    CHECK(documents_of("kind: domain\nname: a.test\nspec: {}\nstatus: {x: 1}\nmeta: {version: 3}\n").size() ==
          1);
    CHECK(
        documents_of("{\"kind\": \"domain\", \"name\": \"a.test\", \"spec\": {\"enabled\": false}}").size() ==
        1);
}

TEST_CASE("anchors serve within one document") {
    const auto documents =
        documents_of("kind: mailbox\nitems:\n  a@b.test: &x {quota: 1GiB}\n  c@b.test: *x\n");
    REQUIRE(documents.size() == 2);
    CHECK(*documents[0].spec == *documents[1].spec);
    CHECK(faults_of("kind: domain\nname: &n a.test\n---\nkind: domain\nname: *n\n")
              .find("t.yaml:5:7: cannot be read") == 0);
}

TEST_CASE("Y01 Y02: bombs are refused at once") {
    const auto start = std::chrono::steady_clock::now();
    SECTION("laughs") {
        std::string bomb = "kind: domain\nname: a.test\nspec:\n  a0: &a0 [x]\n";
        for (int i = 1; i < 12; ++i) {
            const std::string before = std::to_string(i - 1);
            bomb += "  a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
            for (int j = 0; j < 10; ++j)
                bomb += (j > 0 ? ", *a" : "*a") + before;
            bomb += "]\n";
        }
        CHECK(faults_of(bomb).find("aliases expand to more than 5000000 values") != std::string::npos);
    }
    SECTION("one long text, many times") {
        std::string bomb =
            "kind: domain\nname: a.test\nspec:\n  a: &a \"" + std::string(1 << 20, 'x') + "\"\n  b: [";
        for (int i = 0; i < 100; ++i)
            bomb += "*a, ";
        CHECK(faults_of(bomb + "]\n").find("aliases expand to more than 67108864 bytes") !=
              std::string::npos);
    }
    SECTION("deep") {
        for (const char* opening : {"[", "{a: ", "- ", "? "}) {
            std::string deep;
            for (int i = 0; i < 10000; ++i)
                deep += opening;
            const auto faults = faults_of(deep);
            INFO(opening << faults.substr(0, 200));
            CHECK(faults.find("nested deeper than 32 levels") != std::string::npos);
        }
    }
    SECTION("deep by aliases") {
        std::string deep = "kind: domain\nname: a.test\nspec:\n  a0: &a0 [x]\n";
        for (int i = 1; i < 40; ++i)
            deep += "  a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
                    "]\n";
        CHECK(faults_of(deep).find("nested deeper than 32 levels with its aliases") != std::string::npos);
    }
    SECTION("large") {
        const std::string large(static_cast<std::size_t>(limit::yaml_bytes) + 1, ' ');
        CHECK(faults_of(large) == "t.yaml:1:1: the file is larger than 67108864 bytes\n");
    }
    SECTION("many faults") {
        std::string many = "kind: domain\nitems:\n";
        for (int i = 0; i < 20000; ++i)
            many += "  d" + std::to_string(i) + ".test: {wrong: 1}\n";
        const auto read = read_yaml(many, "t.yaml");
        CHECK(read.issues.size() == most_issues);
        std::string tags = "kind: [";
        for (int i = 0; i < 5000; ++i)
            tags += "!a b, ";
        CHECK(read_yaml(tags + "]\n[}", "t.yaml").issues.size() == most_issues); // and then it breaks
        std::string twice = "kind: [";
        for (std::size_t i = 0; i < most_issues; ++i)
            twice += "!a b, ";
        CHECK(read_yaml(twice + "]\n[}", "t.yaml").issues.size() == most_issues);
    }
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("a document that ends inside braces does not read on for ever") {
    const auto start = std::chrono::steady_clock::now();
    const auto read = read_yaml("\xef\xbb\xbf,kind: a\r\n...\r\n--- {kind: domain, name: b.te\r\nspec: {}\r\n...\r\n"
                                "--- {kind: domain, name: b.test}\r\n",
                                "t.yaml");
    CHECK(has_errors(read.issues));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
}

TEST_CASE("positions of later faults come from the text") {
    const auto documents =
        documents_of("kind: group\nitems:\n  g@b.test:\n    members: [a@b.test,\n      c@b.test]\n");
    REQUIRE(documents.size() == 1);
    const auto& source = *documents[0].source;
    CHECK(source.locate("members", true) == Position{4, 5});
    CHECK(source.locate("members", false) == Position{4, 14});
    CHECK(source.locate("members[1]", false) == Position{5, 7});
    CHECK(source.locate("members[9]", false) == Position{4, 14});
    CHECK(source.locate("other", false) == Position{3, 3});
    Issues issues;
    Issue& issue = report(issues, "members", "text");
    issue.kind = "group";
    issue.name = "g@b.test";
    locate(issues, documents);
    CHECK(to_text(issues[0]) == "t.yaml:4:14: group g@b.test: members: text");
}
