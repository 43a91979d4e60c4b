#include "tests/unit/schema/support.hpp"

#include "tests/catch.hpp"

#include <boost/json/object.hpp>

namespace mail::schema::test {

const std::string_view contract_site = R"(kind: server
name: server
spec: {hostname: mx.example.test, postmaster: postmaster@example.test}
---
kind: certificate
items:
  default: {self_signed: true}          # or {certificate_file: …, key_file: …} or {acme: {…}}
---
kind: listener
items:                                   # tls: none | starttls | implicit; plaintext_auth: refuse (default) | allow; relay_from: [] address ranges that may relay
                                         # bind: "ADDR:PORT", "[::1]:PORT", "*:PORT" (both families), "unix:PATH"; protocol lmtp, smtp, submission, imap, pop3, http, managesieve, admin
  mx:          {protocol: smtp,        bind: "127.0.0.1:2525", tls: starttls}
  submission:  {protocol: submission,  bind: "127.0.0.1:2587", tls: starttls}
  submissions: {protocol: submission,  bind: "127.0.0.1:2465", tls: implicit}
  imap:        {protocol: imap,        bind: "127.0.0.1:2143", tls: starttls}
  imaps:       {protocol: imap,        bind: "127.0.0.1:2993", tls: implicit}
  pop3:        {protocol: pop3,        bind: "127.0.0.1:2110", tls: starttls}
  pop3s:       {protocol: pop3,        bind: "127.0.0.1:2995", tls: implicit}
  lmtp:        {protocol: lmtp,        bind: "127.0.0.1:2424", tls: none}
  https:       {protocol: http,        bind: "127.0.0.1:2443", tls: implicit}
  http:        {protocol: http,        bind: "127.0.0.1:2480", tls: none}
  sieve:       {protocol: managesieve, bind: "127.0.0.1:2419", tls: starttls}
---
kind: domain
items:
  example.test: {}
---
kind: mailbox
defaults: {quota: 2GiB}
items:
  ann@example.test: {display_name: Ann Archer, password: {from: "env:ANN_PASSWORD"}, aliases: [a.archer@example.test]}
  bob@example.test: {display_name: Bob Baker, password: {from: "file:bob.pw"}}
  info@example.test: {type: shared}
  board@example.test: {type: room, capacity: 12}
---
kind: group
items:
  staff@example.test: {members: [ann@example.test, bob@example.test]}
---
kind: route
items:                                   # most specific domain wins; without a route: MX of the recipient's domain. tls: none | opportunistic | required | verified
                                         # further fields: port (25) for MX delivery, allow_loopback (false), source, ehlo, retry, expire
  lab:      {domains: [remote.test], relay: "127.0.0.1:2626", tls: opportunistic}
  internet: {domains: ["*"], relay: "smtp.isp.test:587", tls: required, user: site, password: {from: "env:ISP_PASSWORD"}}
---
kind: resolver
name: resolver
spec: {servers: ["127.0.0.1:5353"]}     # default: the system's
)";

std::vector<Document> documents_of(std::string_view yaml) {
    auto read = read_yaml(yaml, "t.yaml");
    for (const auto& issue : read.issues)
        FAIL_CHECK(to_text(issue));
    return std::move(read.documents);
}

std::string faults_of(std::string_view yaml) {
    auto read = read_yaml(yaml, "t.yaml");
    if (!has_errors(read.issues))
        validate_documents(read.documents, read.issues);
    std::string out;
    for (const auto& issue : read.issues)
        out += to_text(issue) + "\n";
    return out;
}

void resolve(std::vector<Document>& documents) {
    for (auto& document : documents) {
        boost::json::object spec = *document.spec;
        if (spec.contains("password") && spec["password"].as_object().contains("from"))
            spec["password"] = boost::json::object{{"value", "pw-" + document.name}};
        document.spec = std::make_shared<const boost::json::object>(std::move(spec));
    }
}

void carry_out(const Plan& plan, MemoryView& view) {
    const PlainSealer sealer;
    for (const auto& operation : plan.operations) {
        if (operation.action == Action::remove) {
            view.remove(operation.kind, operation.name);
        } else if (operation.action != Action::none) {
            auto spec = seal_secrets(*find_kind(operation.kind), *operation.after, sealer);
            REQUIRE(spec.has_value());
            view.put({operation.kind, operation.name,
                      std::make_shared<const boost::json::object>(std::move(*spec)), operation.set});
        }
    }
}

std::string first_error(const Plan& plan) {
    for (const auto& issue : plan.issues)
        if (issue.severity == Issue::Severity::error)
            return to_text(issue);
    return {};
}

std::string apply(MemoryView& view, std::vector<Document> documents, const PlanOptions& options) {
    resolve(documents);
    const Plan plan = compute_plan(view, documents, options, PlainSealer{});
    CHECK(first_error(plan) == "");
    carry_out(plan, view);
    return to_text(plan);
}

} // namespace mail::schema::test
