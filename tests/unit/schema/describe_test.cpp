#include "common/schema/describe.hpp"

#include "tests/catch.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <set>

using namespace mail;
using namespace mail::schema;
namespace json = boost::json;

TEST_CASE("every kind and field is described") {
    std::set<std::string_view> words;
    for (const Kind* kind : all_kinds()) {
        INFO(kind->name);
        CHECK(words.insert(kind->name).second);
        CHECK(words.insert(kind->plural).second);
        CHECK(find_kind(kind->plural) == kind);
        CHECK(kind->doc.ends_with('.'));
        CHECK(kind->key_field().is_key);
        std::set<std::string_view> names;
        std::set<int> places;
        for (const auto& field : kind->fields) {
            INFO(field.name);
            CHECK(names.insert(field.name).second);
            CHECK(field.doc.ends_with('.'));
            CHECK((field.type == FieldType::secret || !field.sample.empty()));
            CHECK((field.column_order == 0 || places.insert(field.column_order).second));
            CHECK((field.reference.empty() || find_kind(field.reference) != nullptr));
            CHECK(field.is_key == (&field == &kind->key_field()));
            CHECK(explain(std::string(kind->name) + "." + std::string(field.name)).has_value());
        }
        CHECK(explain(kind->plural).has_value());
    }
    CHECK(find_kind("nothing") == nullptr);
}

TEST_CASE("kinds come after what they refer to") {
    std::vector<std::string_view> names;
    for (const Kind* kind : in_reference_order())
        names.push_back(kind->name);
    const auto place = [&](std::string_view name) {
        return std::find(names.begin(), names.end(), name) - names.begin();
    };
    CHECK(names.size() == all_kinds().size());
    CHECK(place("certificate") < place("listener"));
    CHECK(place("domain") < place("mailbox"));
    CHECK(place("domain") < place("alias"));
}

TEST_CASE("explain tells what the table says") {
    CHECK(explain("mailbox.quota").value() ==
          "mailbox.quota (size)\n"
          "  Largest total size of stored mail; 0 means the domain's default_quota.\n\n"
          "  default:    0\n"
          "  example:    2GiB\n"
          "  flag:       --quota <size>\n"
          "  since:      0.1\n");
    const std::string tls = explain("listener.tls").value();
    CHECK(tls.find("values:     none, starttls, implicit\n") != std::string::npos);
    CHECK(tls.find("default:    none\n") != std::string::npos);
    CHECK(explain("mailbox.qouta").error().hint == "did you mean quota?");
    CHECK(explain("mailbx").error().hint == "did you mean mailbox?");
    CHECK(explain("mailbox.quota.more").error().code == ErrorCode::not_found);
    CHECK(explain("mailbox").value().find("display_name  ") != std::string::npos);
}

TEST_CASE("flags, columns and completion") {
    const auto& kind = *find_kind("mailbox");
    CHECK(flag_name(*kind.find("display_name")) == "--display-name");
    CHECK(value_hint(*kind.find("protocols")) == "{imap | pop3 | submission | ews | dav | managesieve},...");
    CHECK(value_hint(*kind.find("aliases")) == "<address>,...");
    CHECK(complete_value(*kind.find("enabled")) == std::vector<std::string>{"true", "false"});
    CHECK(complete_value(*kind.find("quota")).empty());
    std::string shown;
    for (const auto* field : columns(kind, false))
        shown += std::string(field->name) + " ";
    CHECK(shown == "address display_name type quota enabled ");
    CHECK(columns(kind, true).size() > columns(kind, false).size());
}

TEST_CASE("the schema for other programs") {
    const auto all = schema_json();
    CHECK(all.at("schema_hash").as_string() == json::string_view(schema_hash()));
    CHECK(all.at("kinds").as_array().size() == all_kinds().size());
    const std::string text = json::serialize(all);
    CHECK(
        text.find(
            R"({"name":"tls","type":"text","doc":"No TLS, TLS on request of the client, or TLS from the first byte.","column":4,)"
            R"("choices":["none","starttls","implicit"],"example":"starttls","since":"0.1","default":"none"})") !=
        std::string::npos);
    const auto editor = json_schema();
    CHECK(editor.at("$defs").as_object().size() == 2 * all_kinds().size());
    CHECK(editor.at("allOf").as_array().size() == all_kinds().size());
    const auto& listener = editor.at("$defs").as_object().at("listener").as_object();
    CHECK(json::serialize(listener.at("required")) == R"(["protocol","bind"])");
    CHECK(json::serialize(listener.at("properties").as_object().at("enabled")) ==
          R"({"type":"boolean","description":"Whether the listener is open.","default":true})");
    CHECK(!editor.at("$defs").as_object().at("listener_fields").as_object().contains("required"));
}
