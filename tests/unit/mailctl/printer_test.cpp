#include "mailctl/output/json.hpp"
#include "mailctl/output/printer.hpp"
#include "mailctl/output/yaml.hpp"
#include "tests/catch.hpp"

#include <boost/json.hpp>

using namespace mail;
using namespace mail::mailctl;
namespace json = boost::json;

namespace {

const Time noon = *parse_rfc3339("2026-01-31T12:00:00Z");

View mailbox_view() {
    return {"mailbox", "name",
            {{"address", "name"}, {"display_name", "spec.display_name"}, {"quota", "spec.quota", Unit::bytes},
             {"updated", "meta.updated", Unit::time, Shown::wide}, {"aliases", "spec.aliases", Unit::text, Shown::asked}},
            true};
}

json::value page() {
    return json::parse(R"({"items": [
        {"kind": "mailbox", "name": "bob@example.org", "spec": {"display_name": "Bob\u001b[2J Baker", "quota": "50GiB"},
         "status": {}, "meta": {"updated": "2026-01-31T11:57:00Z"}},
        {"kind": "mailbox", "name": "ann@example.org", "spec": {"display_name": "Ann, \"A\"", "quota": 2147483648,
         "aliases": ["a@example.org", "b@example.org"]}, "status": {"messages": 12}, "meta": {"updated": "2026-01-30T12:00:00Z"}}
    ], "next": null})");
}

PrintOptions options(Format format) {
    PrintOptions out;
    out.format = format;
    out.now = noon;
    return out;
}

std::string list(const PrintOptions& how) {
    const auto text = list_text(mailbox_view(), page(), how);
    return text ? *text : "error: " + text.error().message + " | " + text.error().hint;
}

} // namespace

TEST_CASE("a table has headings, aligned columns and units") {
    CHECK(list(options(Format::table)) == "ADDRESS          DISPLAY NAME       QUOTA\n"
                                          "bob@example.org  Bob\\x1b[2J Baker  50 GiB\n"
                                          "ann@example.org  Ann, \"A\"           2 GiB\n");
    PrintOptions bare = options(Format::table);
    bare.headers = false;
    bare.columns = {"address"};
    CHECK(list(bare) == "bob@example.org\nann@example.org\n");
}

TEST_CASE("wide shows what tables leave out, with relative times") {
    const std::string text = list(options(Format::wide));
    CHECK(text.find("UPDATED") != std::string::npos);
    CHECK(text.find("3m ago") != std::string::npos);
    CHECK(text.find("1d ago") != std::string::npos);
}

TEST_CASE("a table fits the terminal and keeps the names longest") {
    PrintOptions narrow = options(Format::table);
    narrow.terminal.tty = true;
    narrow.terminal.width = 36;
    const std::string text = list(narrow);
    CHECK(text.find("ann@example.org") != std::string::npos);
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        CHECK(display_width(text.substr(at, end - at)) <= 36);
        at = end + 1;
    }
}

TEST_CASE("TSV is raw, without headings, and one line per item") {
    CHECK(list(options(Format::tsv)) == "bob@example.org\tBob\\x1b[2J Baker\t53687091200\n"
                                        "ann@example.org\tAnn, \"A\"\t2147483648\n");
    PrintOptions with = options(Format::tsv);
    with.headers = true;
    with.columns = {"address", "aliases"};
    CHECK(list(with) == "address\taliases\nbob@example.org\t\nann@example.org\ta@example.org,b@example.org\n");
    const json::value odd = json::parse(R"({"items": [{"name": "a\tb\nc\\d"}]})");
    CHECK(*list_text({"x", "name", {{"name", "name"}}, false}, odd, options(Format::tsv)) == "a\\tb\\nc\\\\d\n");
}

TEST_CASE("CSV quotes as RFC 4180 says") {
    CHECK(list(options(Format::csv)) == "address,display_name,quota\n"
                                        "bob@example.org,Bob\\x1b[2J Baker,53687091200\n"
                                        "ann@example.org,\"Ann, \"\"A\"\"\",2147483648\n");
}

TEST_CASE("JSON keeps the items and escapes for terminals") {
    const json::value whole = json::parse(list(options(Format::json)));
    CHECK(whole.at("items").as_array().size() == 2);
    CHECK(!whole.as_object().contains("next"));
    CHECK(json_line(json::string("a\x7f\xc2\x9b" "b")) == "\"a\\u007f\\u009bb\"\n");
    CHECK(json::parse(json_line(json::string("a\x7f\xc2\x9b" "b"))) == json::value("a\x7f\xc2\x9b" "b"));
    CHECK(json_text(json::parse(R"({"a":[1,{"b":[]}],"c":{}})")) ==
          "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}\n");
    const std::string lines = list(options(Format::ndjson));
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
}

TEST_CASE("names make pipes") {
    CHECK(list(options(Format::name)) == "mailbox/bob@example.org\nmailbox/ann@example.org\n");
}

TEST_CASE("sorting, by text and by number, in both directions") {
    PrintOptions how = options(Format::name);
    how.sort = "address";
    CHECK(list(how) == "mailbox/ann@example.org\nmailbox/bob@example.org\n");
    how.sort = "-address";
    CHECK(list(how) == "mailbox/bob@example.org\nmailbox/ann@example.org\n");
    const json::value numbers = json::parse(R"({"items": [{"n": 10}, {"n": null}, {"n": 9}]})");
    const View view{"x", "n", {{"n", "n", Unit::number}}, false};
    PrintOptions tsv = options(Format::tsv);
    tsv.sort = "n";
    CHECK(*list_text(view, numbers, tsv) == "9\n10\n\n");
    tsv.sort = "-n";
    CHECK(*list_text(view, numbers, tsv) == "10\n9\n\n");
}

TEST_CASE("an unknown column names the known ones") {
    PrintOptions how = options(Format::table);
    how.columns = {"qota"};
    CHECK(list(how) == "error: unknown column qota | did you mean quota? columns: address, display_name, quota, updated, aliases");
    how.columns = {"spec.anything", "address"};
    CHECK(list(how).starts_with("SPEC.ANYTHING"));
}

TEST_CASE("an empty list prints nothing in a table and a list in JSON") {
    const json::value none = json::parse(R"({"items": [], "next": null})");
    CHECK(list_text(mailbox_view(), none, options(Format::table))->empty());
    CHECK(*list_text(mailbox_view(), none, options(Format::json)) == "{\n  \"items\": []\n}\n");
    CHECK(!list_text(mailbox_view(), json::parse("{}"), options(Format::table)));
}

TEST_CASE("show: a person's view, YAML that apply reads, TSV of all fields") {
    const json::value item = page().at("items").at(1);
    CHECK(*show_text(mailbox_view(), item, options(Format::table)) ==
          "mailbox ann@example.org\n"
          "  display_name  Ann, \"A\"\n"
          "  quota         2 GiB\n"
          "  aliases       a@example.org, b@example.org\n"
          "status\n"
          "  messages  12\n"
          "meta\n"
          "  updated  1d ago\n");
    CHECK(*show_text(mailbox_view(), item, options(Format::yaml)) ==
          "---\nkind: mailbox\nname: ann@example.org\n"
          "spec: {display_name: \"Ann, \\\"A\\\"\", quota: 2147483648, aliases: [a@example.org, b@example.org]}\n");
    CHECK(show_text(mailbox_view(), item, options(Format::tsv))->find("spec.quota\t2147483648\n") != std::string::npos);
    CHECK(*show_text(mailbox_view(), item, options(Format::name)) == "mailbox/ann@example.org\n");
}

TEST_CASE("YAML on a terminal is harmless too") {
    CHECK(yaml_document(json::parse(R"({"a": "x\u009b\u001b[1m", "b": "no"})")) == "---\na: \"x\\u009b\\x1b[1m\"\nb: \"no\"\n");
}

TEST_CASE("a size that is set to 0 stands for something else, a size that is counted does not") {
    const json::value item = json::parse(R"({"set": "0", "span": "0s", "counted": 0})");
    CHECK(human_text(at_path(item, "set"), Unit::bytes, noon) == "-");
    CHECK(human_text(at_path(item, "span"), Unit::seconds, noon) == "-");
    CHECK(human_text(at_path(item, "counted"), Unit::bytes, noon) == "0 B");
}

TEST_CASE("amounts and moments for people") {
    CHECK(human_bytes(0) == "0 B");
    CHECK(human_bytes(1536) == "1.5 KiB");
    CHECK(human_bytes(2147483648) == "2 GiB");
    CHECK(human_span(7) == "7s");
    CHECK(human_span(3 * 86400 + 4 * 3600) == "3d 4h");
    CHECK(human_span(0) == "0s");
    CHECK(human_moment(noon, noon) == "now");
    CHECK(human_moment(noon + std::chrono::minutes(5), noon) == "in 5m");
    CHECK(human_moment(noon - std::chrono::hours(50), noon) == "2d ago");
    CHECK(human_moment(noon + std::chrono::hours(119) + std::chrono::minutes(59), noon) == "in 5d");
    CHECK(human_moment(noon + std::chrono::seconds(3599), noon) == "in 1h");
}
