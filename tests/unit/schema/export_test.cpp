// Property: what export prints is read back to the same, for generated specs of every kind; and applying it
// changes nothing.
#include "common/schema/json.hpp"
#include "common/schema/yaml.hpp"
#include "tests/catch.hpp"
#include "tests/unit/schema/support.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <map>
#include <random>

using namespace mail;
using namespace mail::schema;
using namespace mail::schema::test;
namespace json = boost::json;

namespace {

class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

    std::string line() {
        static const char* const pieces[] = {"a",
                                             "B",
                                             " ",
                                             ":",
                                             "#",
                                             "- ",
                                             "\"",
                                             "'",
                                             "\\",
                                             "{",
                                             "}",
                                             "[",
                                             "]",
                                             ",",
                                             "&",
                                             "*",
                                             "!",
                                             "%",
                                             "@",
                                             "`",
                                             "~",
                                             "null",
                                             "true",
                                             "no",
                                             "012",
                                             "1e3",
                                             "0x1F",
                                             "2024-01-01",
                                             "é",
                                             "日本",
                                             "\xe2\x80\xa8",
                                             "\xef\xbb\xbf",
                                             "?",
                                             "|",
                                             ">",
                                             "=",
                                             "<<",
                                             ".inf",
                                             "\xc2\x85"};
        std::string out;
        for (std::size_t i = below(6) + 1; i > 0; --i)
            out += pieces[below(std::size(pieces))];
        return out;
    }

    std::string text(const Field& field) {
        if (!field.choices.empty())
            return std::string(field.choices[below(field.choices.size())]);
        if (field.format == nullptr || field.format == &line_format)
            return line();
        static const std::map<std::string_view, std::vector<std::string>> samples = {
            {"address",
             {"ann@x.org", "Bob+1@x.org", "\"odd name\"@x.org", "jörg@x.org", "no@remote.net", "0@x.org"}},
            {"domain", {"x.org", "no", "xn--bcher-kva.example", "1.2.3"}},
            {"domain pattern", {"*", "*.x.org", "y.org"}},
            {"address pattern", {"*", "*.x.org", "y.org", "ann@x.org", "<>"}},
            {"host", {"mx.x.org", "localhost", "no"}},
            {"name", {"default", "no", "0", "a.b-c_d", "1e3"}},
            {"bind address", {"*:25", "127.0.0.1:143", "[::1]:25", "unix:/run/x y", "fd:3"}},
            {"endpoint", {"mx.x.org:25", "[2001:db8::1]:25", "192.0.2.1"}},
            {"IP endpoint", {"127.0.0.1", "127.0.0.1:5353", "[::1]:53"}},
            {"IP address", {"192.0.2.1", "2001:db8::1"}},
            {"network", {"10.0.0.0/8", "2001:db8::/32", "192.0.2.1"}},
            {"client certificate", {"relay.x.org", "ann@x.org", "sha256:" + std::string(64, 'a')}},
            {"path", {"/etc/x", "/with space/#1: \"q\""}},
            {"time zone", {"Europe/Berlin", "UTC"}},
            {"time", {"2027-12-31", "2027-01-31T12:00:00Z", "2027-01-31T12:00:00+02:00"}},
            {"rewriting rule", {"sales=info", "*=*@x.org", "old-*=new-*", "a=b@remote.net"}},
        };
        const auto& list = samples.at(field.format->name);
        return list[below(list.size())];
    }

    json::value element(const Field& field) {
        const std::int64_t room = std::min<std::int64_t>(field.most - field.least, 100000);
        const std::int64_t number =
            field.least + static_cast<std::int64_t>(below(static_cast<std::size_t>(room) + 1));
        switch (field.type) {
        case FieldType::boolean:
            return below(2) == 0;
        case FieldType::integer:
        case FieldType::integer_list:
            return number;
        case FieldType::size:
            return number * 1024 > field.most ? number : number * 1024;
        case FieldType::duration:
        case FieldType::duration_list:
            return json::value(format_duration(std::chrono::seconds{number}));
        case FieldType::secret:
            return json::object{
                {field.secret_use == SecretUse::verifier ? "hash" : "value", "sealed(" + line() + ")"}};
        default:
            return json::value(text(field));
        }
    }

    json::object spec(const Kind& kind) {
        json::object out;
        for (const auto& field : kind.fields) {
            if (field.is_key || (below(3) == 0 && !field.is_required))
                continue;
            const json::string_view name{field.name.data(), field.name.size()};
            if (!field.is_list()) {
                out[name] = element(field);
                continue;
            }
            json::array list;
            for (std::size_t i = below(4) + 1; i > 0; --i)
                list.push_back(element(field));
            out[name] = std::move(list);
        }
        return out;
    }

    std::string name(const Kind& kind, std::size_t number) {
        if (kind.is_singleton)
            return std::string(kind.name);
        if (kind.owns_address)
            return (number % 3 == 0 ? "" : kind.name.substr(0, 1)) == ""
                       ? std::to_string(number) + std::string(kind.name) + "@x.org"
                       : std::string(kind.name) + std::to_string(number) + "@x.org";
        return kind.name == "domain" || kind.name == "suppression" ? "d" + std::to_string(number) + ".org" : std::to_string(number);
    }

  private:
    std::mt19937 random_;
};

Document redacted(const Document& document) {
    Document out = document;
    out.spec = std::make_shared<const json::object>(redact(*find_kind(document.kind), *document.spec));
    return out;
}

} // namespace

TEST_CASE("export is read back to the same for every kind") {
    Generator generate(7);
    std::vector<Document> documents;
    std::map<std::string, std::size_t> counts;
    for (int round = 0; round < 300; ++round) {
        for (const Kind* kind : all_kinds()) {
            if (kind->is_singleton && round > 0)
                continue;
            // A spec that breaks a rule between fields is not one that could be exported.
            Issues issues;
            const std::string name = generate.name(*kind, static_cast<std::size_t>(round));
            auto spec = normalise(*kind, name, generate.spec(*kind), issues);
            for (int again = 0; has_errors(issues) && again < 200; ++again) {
                issues.clear();
                spec = normalise(*kind, name, generate.spec(*kind), issues);
            }
            if (has_errors(issues))
                continue;
            ++counts[std::string(kind->name)];
            Issues none;
            CHECK(normalise(*kind, name, spec, none) == spec);
            CHECK(none.size() == issues.size());
            documents.push_back({std::string(kind->name), *kind->canonical_name(name),
                                 std::make_shared<const json::object>(std::move(spec)), "", nullptr});
        }
    }
    for (const Kind* kind : all_kinds()) {
        INFO(kind->name);
        CHECK(counts[std::string(kind->name)] >= (kind->is_singleton ? 1U : 50U));
    }
    std::map<std::pair<std::string, std::string>, json::object> expected;
    std::vector<Document> shown;
    for (const auto& document : documents) {
        shown.push_back(redacted(document));
        expected[{document.kind, document.name}] = *shown.back().spec;
    }
    for (const bool comments : {false, true}) {
        for (const bool bulk : {false, true}) {
            YamlOptions options;
            options.comments = comments;
            options.bulk = bulk;
            options.schema_url = "https://example.org/schema.json";
            const std::string yaml = write_yaml(shown, options);
            const auto back = read_yaml(yaml, "export.yaml");
            for (const auto& issue : back.issues)
                if (issue.severity == Issue::Severity::error)
                    FAIL_CHECK(to_text(issue));
            CHECK(back.documents.size() == expected.size());
            for (const auto& document : back.documents)
                CHECK(*document.spec == expected[std::pair(document.kind, document.name)]);
        }
    }
}

TEST_CASE("export and apply change nothing") {
    MemoryView view;
    apply(view, documents_of(contract_site));
    std::vector<Document> stored;
    for (const Kind* kind : all_kinds())
        view.each(kind->name, [&](const Current& object) {
            stored.push_back(redacted({object.kind, object.name, object.spec, "", nullptr}));
            return true;
        });
    const std::string yaml = write_yaml(stored);
    CHECK(yaml.find("sealed") == std::string::npos);
    CHECK(
        yaml.find(
            "  ann@example.test:\n    display_name: Ann Archer\n    quota: 2GiB\n    password: {keep: true}\n"
            "    aliases: [a.archer@example.test]\n") != std::string::npos);
    CHECK(yaml.find("kind: resolver\nname: resolver\nspec: {servers: [\"127.0.0.1:5353\"]}\n") !=
          std::string::npos);
    CHECK(apply(view, documents_of(yaml)) == "no changes\n");
    CHECK(apply(view, documents_of(write_yaml(stored, {true, false, ""}))) == "no changes\n");
    // The same through the wire.
    const auto sent = documents_from_json(json::parse(documents_to_json(stored)));
    CHECK(sent.issues.empty());
    CHECK(apply(view, sent.documents) == "no changes\n");
}

TEST_CASE("documents of the wire are checked like any other") {
    const auto faults = [](const char* body) {
        std::string out;
        for (const auto& issue : documents_from_json(json::parse(body)).issues)
            out += to_text(issue) + "\n";
        return out;
    };
    CHECK(faults("[]").find("documents: is no list") == 0);
    CHECK(
        faults(
            R"({"documents":[1,{"kind":"domian","name":"x.org"},{"kind":"domain","name":"x.org","spec":[]}]})") ==
        "documents[0]: is no object\n"
        "documents[1].kind: there is no kind \"domian\" (did you mean domain?)\n"
        "documents[2].spec: is no object\n");
    CHECK(
        faults(
            R"({"documents":[{"kind":"mailbox","name":"a@x.org","spec":{"password":{"from":"file:/etc/shadow"}}}]})") ==
        "mailbox a@x.org: password: {from: ...} is resolved by the program that reads the document (send "
        "{\"value\": ...})\n");
}

TEST_CASE("any JSON can be shown as YAML") {
    CHECK(json_to_yaml(json::parse(R"({"a":1,"b":[true,null,"no"],"c":{"d":"x: y"}})")) ==
          "a: 1\nb: [true, null, \"no\"]\nc: {d: \"x: y\"}\n");
    CHECK(json_to_yaml(json::value("a\nb")) == "\"a\\x0ab\"\n");
    CHECK(json_to_yaml(json::array{}) == "[]\n");
    const std::string wide(60, 'x');
    CHECK(json_to_yaml(json::value({{"list", {wide, wide}}})) ==
          "list:\n  - " + wide + "\n  - " + wide + "\n");
}
