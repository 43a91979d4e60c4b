// The policy on secrets, in one place.
//   in a file      password: {from: "env:NAME"} | "file:PATH" (relative to the document) | "credential:NAME"
//   (systemd) |
//                  "stdin"; {hash: "{SCRAM-SHA-256}..."} for migrations; {keep: true}: leave as is. A literal
//                  text or {value: ...} is refused unless inline secrets are allowed and others cannot read
//                  the file.
//   on the wire    {"value": "..."}, {"hash": "..."} or {"keep": true}. The process that reads a document
//   resolves "from"
//                  (mailctl, or maild --apply); the server refuses it, so nobody reads the server's files
//                  through it.
//   in the store   {"hash": "...", "fingerprint": "..."} for login passwords, {"value": "..."} where the
//   server itself
//                  must present the secret (routes).
//   shown          {"keep": true} in export and show; "(changed)" in plans; never in logs, audit or history.
// A field left out of a document leaves the secret as it is (unmanaged_when_absent). Equal secrets are no
// change.
#pragma once

#include "common/base/result.hpp"
#include "common/schema/document.hpp"
#include "common/schema/kind.hpp"

#include <boost/json/fwd.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace mail::schema {

struct SecretOptions {
    bool allow_inline = false;
    /// Reads the line for "stdin"; empty: "stdin" is refused (the document itself came from there).
    std::function<Result<std::string>()> read_stdin;
    /// The environment; replaced by tests.
    std::function<const char*(const char* name)> environment;
};
/// Turns every {"from": ...} of the document into {"value": ...}. Files must be regular and small; a file
/// that others can read gives a warning. Messages never hold the secret.
void resolve_secrets(Document& document, const SecretOptions& options, Issues& issues);

/// How the server turns passwords into what it keeps; implemented over common/sasl.
class SecretSealer {
  public:
    virtual ~SecretSealer() = default;
    struct Sealed {
        std::string hash;
        std::string fingerprint;
    };
    /// May take 10 ms: call seal_secrets on a worker pool.
    [[nodiscard]] virtual Result<Sealed> seal(std::string_view password) const = 0;
    /// Whether `password` is what `stored` was made of; by fingerprint when there is one.
    [[nodiscard]] virtual bool same(const Sealed& stored, std::string_view password) const = 0;
    /// Whether a given hash may be stored. Errors: invalid.
    [[nodiscard]] virtual Result<void> check_hash(std::string_view hash) const = 0;
};

/// What `desired` becomes beside `current` (null: a create): unmanaged fields left out and {"keep": true}
/// take the current value, a password equal to the stored one becomes the stored one. Quick unless a stored
/// hash has no fingerprint. Issues: keep without anything to keep, a hash that may not be stored.
[[nodiscard]] boost::json::object settle(const Kind& kind, std::string_view name,
                                         const boost::json::object& desired,
                                         const boost::json::object* current, const SecretSealer& sealer,
                                         Issues& issues);
/// Seals what is still {"value": ...} in verifier fields; the result may be stored.
[[nodiscard]] Result<boost::json::object> seal_secrets(const Kind& kind, const boost::json::object& spec,
                                                       const SecretSealer& sealer);

} // namespace mail::schema
