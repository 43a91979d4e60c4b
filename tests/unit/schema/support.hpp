// What the schema tests share: the contract's example site, a sealer without PBKDF2, and a view filled from
// YAML.
#pragma once

#include "common/schema/plan.hpp"
#include "common/schema/validate.hpp"
#include "common/schema/yaml.hpp"

#include <string>
#include <string_view>

namespace mail::schema::test {

/// The documents of the contract that this version knows, character for character.
extern const std::string_view contract_site;

/// "sealed(pw)" instead of a verifier; the fingerprint is the length.
class PlainSealer final : public SecretSealer {
  public:
    Result<Sealed> seal(std::string_view password) const override {
        return Sealed{"sealed(" + std::string(password) + ")", std::to_string(password.size())};
    }
    bool same(const Sealed& stored, std::string_view password) const override {
        return stored.hash == "sealed(" + std::string(password) + ")";
    }
    Result<void> check_hash(std::string_view hash) const override {
        if (hash.starts_with("sealed("))
            return {};
        return fail(ErrorCode::invalid, "unknown scheme");
    }
};

/// Documents of a text that must be without faults.
std::vector<Document> documents_of(std::string_view yaml);
/// All faults, one per line as FILE:LINE:COLUMN: message; the file is t.yaml.
std::string faults_of(std::string_view yaml);
/// Turns {"from": "env:X"} into {"value": "pw-X"}.
void resolve(std::vector<Document>& documents);
/// Stores what a plan would write.
void carry_out(const Plan& plan, MemoryView& view);
/// Plans, expects no error, stores; the plan's text.
std::string apply(MemoryView& view, std::vector<Document> documents, const PlanOptions& options = {});
/// The first error of a plan as text; empty when there is none.
std::string first_error(const Plan& plan);

} // namespace mail::schema::test
