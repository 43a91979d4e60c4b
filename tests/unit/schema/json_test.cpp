#include "common/schema/json.hpp"

#include "common/schema/describe.hpp"
#include "common/schema/diff.hpp"
#include "common/schema/kinds/mailbox.hpp"
#include "common/schema/kinds/route.hpp"
#include "common/schema/kinds/server.hpp"
#include "common/schema/registry.hpp"
#include "common/schema/yaml.hpp"
#include "tests/catch.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

using namespace mail;
using namespace mail::schema;
namespace json = boost::json;

namespace {

json::object object_of(std::string_view text) {
    return json::parse({text.data(), text.size()}).as_object();
}

std::string normal(std::string_view kind, std::string_view name, std::string_view spec) {
    Issues issues;
    const auto out = normalise(*find_kind(kind), name, object_of(spec), issues);
    std::string faults;
    for (const auto& issue : issues)
        faults += to_text(issue) + "\n";
    return faults.empty() ? json::serialize(out) : faults;
}

struct Inner {
    std::string word = "plain";
    std::vector<std::int64_t> numbers;
    SecretSetting token;
};
struct Everything {
    std::string name;
    std::optional<Inner> inner;
    std::vector<Duration> waits = {std::chrono::seconds(5)};
    std::int64_t fixed = 1;
};
constexpr Field inner_fields[] = {
    field<&Inner::word>("word", "A word.").required(),
    field<&Inner::numbers>("numbers", "Some numbers.").range(1, 9).items(3),
    field<&Inner::token>("token", "A secret.").secret(SecretUse::verifier),
};
constexpr Field every_field[] = {
    field<&Everything::name>("name", "The name.").key().pattern(name_format),
    field<&Everything::inner>("inner", "An object.").object(inner_fields),
    field<&Everything::waits>("waits", "Waiting times.").range(1, 3600),
    field<&Everything::fixed>("fixed", "Never changes.").immutable(),
};
constinit const Kind everything_kind =
    make_kind<Everything>("everything", "everythings", "All types.", every_field);

} // namespace

TEST_CASE("equal meanings have one form") {
    const char* const plain =
        R"({"display_name":"Ann","quota":"2GiB","aliases":["a.b@example.org"],"protocols":["imap","pop3"]})";
    CHECK(normal("mailbox", "ann@example.org", plain) == plain);
    CHECK(
        normal(
            "mailbox", "Ann@EXAMPLE.org",
            R"({"protocols":["pop3","imap","pop3"],"quota":"2048 mib","enabled":"true","display_name":"Ann","forward":[],
                     "aliases":"a.b@Example.ORG"})") == plain);
    CHECK(normal("mailbox", "ann@example.org", R"({"quota":2147483648})") == R"({"quota":"2GiB"})");
    CHECK(normal("mailbox", "ann@example.org", R"({"quota":0,"type":"user","capacity":"0"})") == "{}");
    CHECK(normal("domain", "BÜCHER.example", R"({"catch_all":"x@bücher.example"})") ==
          R"({"catch_all":"x@xn--bcher-kva.example"})");
    CHECK(*find_kind("domain")->canonical_name("BÜCHER.example") == "xn--bcher-kva.example");
    CHECK(*find_kind("mailbox")->canonical_name("Ann@BÜCHER.example") == "ann@xn--bcher-kva.example");
    CHECK(normal("alias", "s@example.org", R"({"targets":["Keep.Case@Remote.ORG","a@b.org"]})") ==
          R"({"targets":["Keep.Case@remote.org","a@b.org"]})");
    CHECK(normal("listener", "l",
                 R"({"protocol":"imap","bind":"[0:0:0::1]:143","tls":"none","certificate":"default"})") ==
          R"({"protocol":"imap","bind":"[::1]:143"})");
    CHECK(normal("listener", "l",
                 R"({"protocol":"smtp","bind":"*:25","relay_from":["10.1.2.3/8","192.0.2.7/32"]})") ==
          R"({"protocol":"smtp","bind":"*:25","relay_from":["10.0.0.0/8","192.0.2.7"]})");
    CHECK(normal("listener", "l", R"({"protocol":"smtp","bind":"*:25","tls":"starttls","client_ca_file":"/ca.pem","min_rate":"1KiB",)"
                                  R"("relay_certificates":["SHA256:)" + std::string(32, 'A') + std::string(32, ':') + std::string(32, 'b') +
                                  R"(","Relay.Example.ORG"],"command_timeout":"60s"})") ==
          R"({"protocol":"smtp","bind":"*:25","tls":"starttls","relay_certificates":["relay.example.org","sha256:)" + std::string(32, 'a') +
              std::string(32, 'b') + R"("],"client_ca_file":"/ca.pem","min_rate":"1024","command_timeout":"1m"})");
    CHECK(normal("server", "", R"({"expire":"120h","delay_warning":"240m","message_size":"50MiB"})") == "{}");
    CHECK(normal("server", "server", R"({"retry":["60s","1m30s"]})") == R"({"retry":["1m","1m30s"]})");
}

TEST_CASE("settings of a listener that mean nothing are faults") {
    const auto faults = [](const std::string& spec) { return normal("listener", "l", spec); };
    CHECK(faults(R"({"protocol":"imap","bind":"*:143","max_messages":3,"etrn_from":["10.0.0.1"]})").find("etrn_from: means nothing for imap") !=
          std::string::npos);
    CHECK(faults(R"({"protocol":"smtp","bind":"*:25","relay_certificates":["a.example"]})").find("relay_certificates: needs TLS") !=
          std::string::npos);
    CHECK(faults(R"({"protocol":"smtp","bind":"*:25","tls":"starttls","relay_certificates":["a.example"]})").find("need client_ca_file") !=
          std::string::npos);
    CHECK(faults(R"({"protocol":"smtp","bind":"*:25","tls":"starttls","relay_certificates":["sha256:12"]})").find("names no certificate") !=
          std::string::npos);
}

TEST_CASE("every fault of a spec is told with its path") {
    CHECK(
        normal(
            "mailbox", "ann",
            R"({"quota":"2 parsecs","protocols":["imap","fax"],"password":{"keep":true,"hash":"x"},"x":1})") ==
        "mailbox ann: \"ann\" is no mail address: " +
            std::string(find_kind("mailbox")->canonical_name("ann").error().message.substr(
                std::string("\"ann\" is no mail address: ").size())) +
            " (write it like ann@example.org)\n"
            "mailbox ann: quota: \"2 parsecs\" is no size (write it like 2GiB, 500MB or a number of bytes)\n"
            "mailbox ann: protocols[1]: \"fax\" is none of imap, pop3, submission, ews, dav, managesieve\n"
            "mailbox ann: password: is no secret (write {from: \"env:NAME\"}, {from: \"file:PATH\"}, {hash: "
            "...} or {keep: true})\n"
            "mailbox ann: x: unknown field \"x\" (fields are display_name, type, quota, quota_warn, quota_send, password, aliases, "
            "protocols, enabled, "
            "capacity, forward, forward_only, send_as, send_on_behalf, sending, litigation_hold, "
            "hold_until, hold_comment, recoverable_keep, recoverable_size, timezone)\n");
    CHECK(normal("route", "r", R"({"domains":["*"],"password":{"from":"env:X"}})")
              .find("resolved by the program") != std::string::npos);
    CHECK(normal("certificate", "c", "{}") ==
          "certificate c: has no source (set self_signed: true, or certificate_file and key_file)\n");
    CHECK(normal("certificate", "c", R"({"certificate_file":"cert.pem"})").find("no absolute path") !=
          std::string::npos);
    CHECK(normal("mailbox", "a@b.org", R"({"display_name":"two\nlines"})").find("line break") !=
          std::string::npos);
    CHECK(normal("mailbox", "a@b.org", R"({"enabled":null})").find("has no value") != std::string::npos);
    CHECK(normal("mailbox", "a@b.org", R"({"aliases":["A@b.org"]})").find("is the primary address") !=
          std::string::npos);
}

TEST_CASE("structs, objects within and integers go both ways") {
    Issues issues;
    const auto spec =
        object_of(R"({"inner":{"numbers":[3,1],"token":{"hash":"h","fingerprint":"f"}},"waits":"1m"})");
    const auto object = decode(everything_kind, "e", spec, issues);
    CHECK(issues.empty());
    const auto& typed = *static_cast<const Everything*>(object.data());
    REQUIRE(typed.inner);
    CHECK(typed.inner->numbers == std::vector<std::int64_t>{3, 1});
    CHECK(typed.inner->token.fingerprint == "f");
    CHECK(json::serialize(encode(object)) ==
          R"({"inner":{"numbers":[3,1],"token":{"hash":"h","fingerprint":"f"}},"waits":["1m"]})");
    CHECK(json::serialize(encode(object, {true, true})) ==
          R"({"inner":{"numbers":[3,1],"token":{"keep":true}},"waits":["1m"]})");
    CHECK(json::serialize(redact(everything_kind, spec)) ==
          R"({"inner":{"numbers":[3,1],"token":{"keep":true}},"waits":"1m"})");
    CHECK(json::serialize(encode(decode(everything_kind, "e", object_of(R"({"inner":{}})"), issues))) ==
          R"({"inner":{}})");
    Issues faults;
    (void)decode(everything_kind, "e",
                 object_of(R"({"inner":{"word":"","numbers":[1,2,3,4],"tokn":1},"waits":["2h"]})"), faults);
    std::string all;
    for (const auto& issue : faults)
        all += issue.path + ": " + issue.message + "\n";
    CHECK(all == "inner.numbers: has more than 3 entries\ninner.tokn: unknown field \"tokn\"\ninner.word: is "
                 "required\n"
                 "waits[0]: 2h is out of range\n");
    const auto other = object_of(R"({"fixed":2})");
    const auto changes = diff(everything_kind, &spec, &other);
    REQUIRE(changes.size() == 5);
    CHECK(changes[0] == FieldChange{"inner", "set", "", false});
    CHECK(changes[2] == FieldChange{"inner.token", "(changed)", "", true});
    CHECK(changes[3] == FieldChange{"waits", "1m", "5s", false});
    CHECK(changes[4] == FieldChange{"fixed", "1", "2", false});
    CHECK(touches_immutable(everything_kind, changes));
    Mailbox mailbox;
    mailbox.display_name = "Ann";
    mailbox.password = {SecretSetting::Form::hash, "{X}y", {}};
    CHECK(encode_text(mailbox) == R"({"display_name":"Ann","password":{"hash":"{X}y"}})");
    const auto back = decode<Mailbox>("ann@example.org", encode_text(mailbox));
    REQUIRE(back.has_value());
    CHECK(back->password == mailbox.password);
    CHECK(!decode<Mailbox>("ann@example.org", "[").has_value());
    CHECK(decode<Mailbox>("ann@example.org", R"({"type":"x","quota":"y"})")
              .error()
              .message.ends_with(", and 1 more"));
}

TEST_CASE("shown specs have everything but secrets") {
    const auto& kind = *find_kind("mailbox");
    CHECK(
        json::serialize(
            complete(kind, "a@b.org", object_of(R"({"quota":"1GiB","password":{"hash":"x"}})"))) ==
        R"({"display_name":"","type":"user","quota":"1GiB","quota_warn":"0","quota_send":"0","password":{"keep":true},"aliases":[],"protocols":[],"enabled":true,)"
        R"("capacity":0,"forward":[],"forward_only":false,"send_as":[],"send_on_behalf":[],)"
        R"("litigation_hold":false,"hold_until":"","hold_comment":"","recoverable_keep":"0s","recoverable_size":"0","timezone":""})");
    CHECK(json::serialize(
              merge_patch(kind, object_of(R"({"quota":"1GiB","password":{"hash":"x"},"type":"room"})"),
                          object_of(R"({"quota":null,"password":{"value":"y"},"capacity":3})"))) ==
          R"({"type":"room","password":{"value":"y"},"capacity":3})");
}

TEST_CASE("values of a command line") {
    const auto& kind = *find_kind("mailbox");
    const auto value = [&](std::string_view name, std::string_view text) {
        const auto out = value_from_text(*kind.find(name), text);
        return out ? json::serialize(*out) : out.error().message;
    };
    CHECK(value("quota", "2GiB") == R"("2GiB")");
    CHECK(value("quota", "lots") == "quota: \"lots\" is no size");
    CHECK(value("enabled", "no") == "false");
    CHECK(value("enabled", "true") == "true");
    CHECK(value("capacity", "12") == "12");
    CHECK(value("capacity", "-1") == "capacity: -1 is out of range");
    CHECK(value("protocols", "imap, pop3") == R"(["imap","pop3"])");
    CHECK(value("protocols", "") == "[]");
    CHECK(value("password", "x") == "password cannot be given as text");
    CHECK(value_to_text(*kind.find("protocols"), object_of(R"({"a":["imap","pop3"]})")["a"]) == "imap, pop3");
    CHECK(value_to_text(*kind.find("enabled"), json::value(false)) == "no");
    CHECK(value_to_text(*kind.find("password"), object_of(R"({"hash":"x"})")) == "(set)");
}
